"""Duty rosters and vendors: who is on call when, what is wrong with that, and whom to call outside the house."""

from __future__ import annotations

from rules.duty.model import Contact, Roster, Shift, Vendor
from rules.duty.watch import Weakness, on_call, weaknesses

__all__ = ["Contact", "Roster", "Shift", "Vendor", "Weakness", "on_call", "weaknesses"]
