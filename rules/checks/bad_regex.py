"""A regular expression that RE2 does not accept. Lookarounds and backreferences are not part of RE2."""

from __future__ import annotations

from rules.matchers import Matcher, checked

ID = "bad-regex"


def pattern(matcher: Matcher) -> Matcher:
    """The matcher itself. Raises `Flaw`."""
    return checked(matcher)
