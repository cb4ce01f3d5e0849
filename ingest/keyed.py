"""The sender's own id of what it sends, where the wire format has no place for one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.signals import AlertEvent, Change, Signal


def keyed(signals: Sequence[Signal], key: str) -> tuple[Signal, ...]:
    """The signals, with ``key`` (``key/index`` when they are several) where they can hold one and hold none."""
    if not key:
        return tuple(signals)
    several = len(signals) > 1
    return tuple(_with(one, f"{key}/{index}" if several else key) for index, one in enumerate(signals))


def _with(signal: Signal, key: str) -> Signal:
    if isinstance(signal, AlertEvent | Change) and not signal.key:
        return msgspec.structs.replace(signal, key=key)
    return signal
