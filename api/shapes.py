"""Types are compiled before threads use them.

msgspec compiles a type when something is decoded into it for the first time, and takes it for compiled as soon as that
has begun (seen with 0.22.0): two threads that begin at once end the process with a segmentation fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def compile_types() -> int:
    """Compile every `msgspec.Struct` of the modules that are loaded; to be called before threads begin. How many they
    are: about 600, in 35 ms. One that nothing can be decoded into stays as it is."""
    count = 0
    for kind in _below(msgspec.Struct):
        with suppress(TypeError):
            msgspec.json.Decoder(kind)
            count += 1
    return count


def _below(kind: type[object]) -> Iterator[type[object]]:
    inner: list[type[object]] = kind.__subclasses__()
    for one in inner:
        yield one
        yield from _below(one)
