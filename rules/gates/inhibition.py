"""Inhibition: a firing alert mutes others that share labels with it, as Alertmanager's ``inhibit_rules``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rules.matchers import Matcher, matches_all


class Inhibition(msgspec.Struct, frozen=True):
    """An alert of ``source`` mutes alerts of ``target`` whose ``equal`` labels have the same values."""

    id: str
    source: tuple[Matcher, ...] = ()
    target: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()
    comment: str = ""

    def source_matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert can mute others."""
        return matches_all(self.source, labels)

    def target_matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert can be muted."""
        return matches_all(self.target, labels)

    def key(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The values of the ``equal`` labels, in which source and target must agree; a missing label is empty."""
        return tuple(labels.get(label, "") for label in self.equal)

    def inhibits(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """Whether a firing ``source`` mutes ``target``.

        As in Alertmanager, two alerts that both match both sides do not mute each other, nor one itself.
        """
        if not (self.source_matches(source) and self.target_matches(target) and self.key(source) == self.key(target)):
            return False
        return not (self.target_matches(source) and self.source_matches(target))
