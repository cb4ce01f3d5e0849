"""Obligations: duties to report or to deliver that an operator declares; catalogue entities name them by id."""

from __future__ import annotations

import msgspec


class Obligation(msgspec.Struct, frozen=True):
    """One duty; ``regime`` is the law or contract it comes from, ``note`` is for people.

    A ``regime`` that is the id of an enabled regime (dora, gdpr; case does not matter) has incidents that reach this
    duty judged by it (`rules.ruleset.RuleSet.regimes_for`); other words (an SLA) are for people.
    """

    id: str
    name: str = ""
    regime: str = ""
    note: str = ""
