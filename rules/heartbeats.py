"""Alerts that are signs of life: they fire always, and their silence is the alarm (a dead man's switch)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rules.matchers import Matcher, matches_all


class HeartbeatRule(msgspec.Struct, frozen=True):
    """Alerts that all matchers accept are heartbeats, due ``every`` milliseconds; None: as often as they use to come.

    Their source is named by the values of ``labels`` that are there, joined with "/".
    """

    id: str
    matchers: tuple[Matcher, ...]
    every: int | None = None
    labels: tuple[str, ...] = ("cluster", "prometheus", "job")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is this heartbeat."""
        return matches_all(self.matchers, labels)

    def of(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels that name the source; other alerts that have them come from it, too."""
        return {label: value for label in self.labels if (value := labels.get(label))}

    def source(self, labels: Mapping[str, str]) -> str:
        """Who gives the sign of life; the alert's name when no label says so."""
        named = "/".join(self.of(labels).values())
        return named or labels.get("alertname", "") or self.id


DEFAULT = (HeartbeatRule("watchdog", (Matcher("alertname", "=~", "Watchdog|DeadMansSwitch"),)),)
"""The heartbeat that kube-prometheus and most Prometheus guides ship."""
