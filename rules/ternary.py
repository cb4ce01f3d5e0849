"""Three-valued truth: an unknown input gives `cannot_exclude`, never `no`."""

from __future__ import annotations

from enum import Enum


class Ternary(Enum):
    """Kleene's strong three-valued logic (S. C. Kleene, Introduction to Metamathematics, 1952, §64)."""

    YES = "yes"
    NO = "no"
    CANNOT_EXCLUDE = "cannot_exclude"

    @classmethod
    def of(cls, value: bool | None) -> Ternary:
        """None means unknown."""
        if value is None:
            return cls.CANNOT_EXCLUDE
        return cls.YES if value else cls.NO

    def __and__(self, other: Ternary) -> Ternary:
        if Ternary.NO in (self, other):
            return Ternary.NO
        return Ternary.YES if self is other is Ternary.YES else Ternary.CANNOT_EXCLUDE

    def __or__(self, other: Ternary) -> Ternary:
        if Ternary.YES in (self, other):
            return Ternary.YES
        return Ternary.NO if self is other is Ternary.NO else Ternary.CANNOT_EXCLUDE

    def __invert__(self) -> Ternary:
        return {Ternary.YES: Ternary.NO, Ternary.NO: Ternary.YES}.get(self, self)

    def __bool__(self) -> bool:
        raise TypeError("a three-valued answer is not a bool: compare with Ternary.YES or Ternary.NO")
