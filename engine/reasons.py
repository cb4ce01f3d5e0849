"""The enumerated answers: dispositions, verdicts, and the reason behind each.

A reason is the API field, the metric label and what tests assert; the facts behind it travel beside it.
"""

from __future__ import annotations

from enum import StrEnum


class Disposition(StrEnum):
    """What the engine did with an accepted alert event; exactly one is current."""

    OPENED = "opened"
    ATTACHED = "attached"
    UPDATED = "updated"
    HELD = "held"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"
    RESOLVED = "resolved"


class Verdict(StrEnum):
    """What evidence says of an alert."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNVERIFIABLE = "unverifiable"


class Reason(StrEnum):
    """Why a disposition was given."""

    # opened, attached
    NEW_TROUBLE = "new_trouble"
    UNMAPPED = "unmapped"
    EXPLAINED_BY_CAUSE = "explained_by_cause"
    SAME_ENTITY = "same_entity"
    PROVIDER_OF_CAUSE = "provider_of_cause"
    SHARED_SILENT_PROVIDER = "shared_silent_provider"
    SAME_CYCLE = "same_cycle"
    MERGED = "merged"
    SPLIT = "split"
    MANUAL = "manual"
    STORM = "storm"
    # updated, duplicate
    REPEAT = "repeat"
    REDELIVERED = "redelivered"
    LATE = "late"
    CONTENT_CHANGED = "content_changed"
    REFIRED = "refired"
    # held
    SETTLING = "settling"
    BELOW_THRESHOLD = "below_threshold"
    AWAITING_EVIDENCE = "awaiting_evidence"
    # suppressed
    MAINTENANCE = "maintenance"
    OUT_OF_SCOPE = "out_of_scope"
    INHIBITED = "inhibited"
    SILENCED = "silenced"
    CONTRADICTED = "contradicted"
    SELF_CLEARED = "self_cleared"
    NEVER_REACHED_THRESHOLD = "never_reached_threshold"
    HEARTBEAT = "heartbeat"
    # resolved
    ENDED = "ended"
    UNKNOWN_ALERT = "unknown_alert"
