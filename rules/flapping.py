"""When an alert counts as flapping: the weighted share of its latest state changes, with hysteresis."""

from __future__ import annotations

from typing import Literal

import msgspec

Method = Literal["nagios", "icinga"]


class Flapping(msgspec.Struct, frozen=True, kw_only=True):
    """It begins at ``high`` percent (``icinga``: above it) and ends at ``low`` or less; ``tick`` is in milliseconds.

    ``nagios`` (base/flapping.c): 20 changes weighted from 0.75, the oldest, to 1.25; 20 % and 30 % unless declared.
    ``icinga`` (Icinga 2, checkable-flapping.cpp): 0.80 + 0.02·i; 25 % and 30 % there. A monitoring system asks at its
    own pace; here a state is looked at every ``tick``.
    """

    method: Method = "nagios"
    low: float = 20.0
    high: float = 30.0
    tick: int = 60_000
