"""Checks of playbooks, one per file. Each is ``find(documents)`` and tells its problems at their lines."""

from __future__ import annotations

from rules.playbooks.checks import circles, dangling, not_allowed, repeated

WHOLE = (circles.find, dangling.find, not_allowed.find, repeated.find)
"""All of them; they see the documents of the folder together."""

__all__ = ["WHOLE"]
