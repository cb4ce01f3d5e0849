"""The recovery verdicts in their precedence, and the reasons behind them."""

from __future__ import annotations

from enum import StrEnum


class Recovery(StrEnum):
    """What can be said of a recovery, from what outweighs all else to what outweighs nothing."""

    NO_BASELINE = "no_baseline"
    UNSTABLE = "unstable"
    RESIDUAL_DEGRADATION = "residual_degradation"
    INCONCLUSIVE = "inconclusive"
    RESTORED = "restored"
    IMPROVED = "improved"


PRECEDENCE: tuple[Recovery, ...] = tuple(Recovery)
BACK = frozenset({Recovery.RESTORED, Recovery.IMPROVED})
"""With these an incident may be closed as restored."""


class Why(StrEnum):
    """Why an indicator has its verdict, or why a baseline window is not used."""

    # restored, improved, residual_degradation
    WITHIN_MARGIN = "within_margin"
    AT_ITS_BEST = "at_its_best"
    BETTER = "better"
    BEYOND_MARGIN = "beyond_margin"
    CHECK_FAILED = "check_failed"
    # unstable
    SPREAD = "spread"
    CHANGE_POINTS = "change_points"
    FLAPPING = "flapping"
    RESTARTS = "restarts"
    # unstable when there are several, inconclusive when there is one
    GAPS = "gaps"
    # inconclusive
    NO_DATA = "no_data"
    SETTLING = "settling"
    TOO_FEW = "too_few"
    TOO_FEW_EVENTS = "too_few_events"
    UNCERTAIN = "uncertain"
    NO_MARGIN = "no_margin"
    FROZEN = "frozen"
    UNIT_CHANGED = "unit_changed"
    ENDED = "ended"
    NO_ANSWER = "no_answer"
    CHECK_MISSING = "check_missing"
    SHARED_PROVIDER = "shared_provider"
    # no_baseline; of a window: not used
    NO_WINDOWS = "no_windows"
    FEW_WEEKS = "few_weeks"
    INCOMPLETE = "incomplete"
    TAINTED = "tainted"
    CONTAINS_INCIDENT = "contains_incident"
    OTHER_HOUR = "other_hour"
    DAYLIGHT_SAVING = "daylight_saving"
    WINDOWS_DISAGREE = "windows_disagree"
    CONSTANT = "constant"
    NO_INDICATORS = "no_indicators"
    NO_SERIES = "no_series"
    NOT_ASKED = "not_asked"
