"""Why somebody is not believed."""

from __future__ import annotations


class Untrusted(ValueError):
    """A token that is not believed; the message says why, without the token."""


class ProviderFailed(Exception):
    """The provider does not answer as it should."""
