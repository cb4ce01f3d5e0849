"""Severity words: what monitoring systems call a severity, in our five words. Worst first: critical, error,
warning, info, none."""

from __future__ import annotations

from collections.abc import Mapping

WORDS = ("none", "info", "warning", "error", "critical")
"""Mildest first; a word's index is its rank."""
RANK: Mapping[str, int] = {word: rank for rank, word in enumerate(WORDS)}
DEFAULT_WORD = "warning"

_SENDERS: Mapping[str, str] = {
    "critical": "critical crit page p1 p0 emergency emerg fatal disaster alert panic blocker sev1 s1 1 urgent highest",
    "error": "error err major high p2 sev2 s2 2",
    "warning": "warning warn minor average medium moderate p3 sev3 s3 3",
    "info": "info information informational notice low p4 p5 sev4 sev5 s4 s5 4 5 ok debug trivial lowest normal",
    "none": "none not_classified",
}
DEFAULT_WORDS: Mapping[str, str] = {word: ours for ours, theirs in _SENDERS.items() for word in theirs.split()}
"""The words of Prometheus and PagerDuty (page, P1 …), syslog (RFC 5424: emerg …), Zabbix (disaster, high, average …),
X.733 (major, minor …) and Opsgenie, in lower case."""
