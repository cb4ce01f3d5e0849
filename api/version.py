"""Which Headwater this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed() -> str:
    """The version of the installed package."""
    try:
        return version("headwater")
    except PackageNotFoundError:
        return "0+unknown"
