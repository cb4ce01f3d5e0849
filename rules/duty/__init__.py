"""Duty rosters and vendors: who is on call when, what is wrong with that, and whom to call outside the house."""

from __future__ import annotations

from rules.duty.model import Contact, Roster, Shift, Vendor
from rules.duty.watch import Finding, on_call, weaknesses

__all__ = ["Contact", "Finding", "Roster", "Shift", "Vendor", "on_call", "weaknesses"]
