"""What the egress guard says of a request, as a sink says it of a publication."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import SinkError
from engine.publish.egress import EgressFailed, EgressRefused


@contextmanager
def asking(*, acts: bool = True) -> Iterator[None]:
    """Raises `SinkError`: a refused destination is permanent, a lost answer ambiguous where the request ``acts``, and
    else transient, as whatever was never sent."""
    try:
        yield
    except EgressRefused as error:
        raise SinkError(str(error), permanent=True) from error
    except EgressFailed as error:
        raise SinkError(str(error), ambiguous=acts and error.sent) from error
