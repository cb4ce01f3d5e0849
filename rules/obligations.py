"""Obligations: duties to report or to deliver that an operator declares; catalogue entities name them by id."""

from __future__ import annotations

import msgspec


class Obligation(msgspec.Struct, frozen=True):
    """One duty; ``regime`` is the law or contract it comes from (DORA, GDPR, an SLA), ``note`` is for people."""

    id: str
    name: str = ""
    regime: str = ""
    note: str = ""
