"""Parameters of correlation and alert life."""

from __future__ import annotations

import msgspec

SECOND = 1000
MINUTE = 60 * SECOND


class Correlation(msgspec.Struct, frozen=True, kw_only=True):
    """All in milliseconds but ``storm_threshold``, a number of alerts.

    ``group_wait``: publication of a new incident waits this long (SEV1 and tier 0 do not wait).
    ``group_interval``: between two publications of one incident.
    ``resolve_timeout``: an alert without an end that is not sent again counts as ended after this.
    ``lateness``, ``log_lateness``: how much later than others an alert, or a log record, may arrive.
    ``future_skew``: times further ahead of arrival than this are clamped and tagged.
    ``window``: alerts join an incident when their onsets lie this close.
    ``linger``: a recovered incident stays open this long for what comes back.
    ``recover_after``: all alerts must have ended for this long before an incident counts as recovered.
    ``settle``: alerts that arrive within this time are decided on together.
    ``storm_threshold``: with no more new alerts within a minute than this there is no storm, whatever is usual.
    """

    group_wait: int = 30 * SECOND
    group_interval: int = 5 * MINUTE
    resolve_timeout: int = 5 * MINUTE
    lateness: int = 120 * SECOND
    log_lateness: int = 300 * SECOND
    future_skew: int = 60 * SECOND
    window: int = 5 * MINUTE
    linger: int = 15 * MINUTE
    recover_after: int = 2 * MINUTE
    settle: int = 200
    storm_threshold: int = 20
