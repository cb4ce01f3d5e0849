"""A sink in shadow: what would be sent is noted in a file, and nothing is sent."""

from __future__ import annotations

import msgspec

from engine.publish.log import Log
from engine.sending import OutboxRow, Receipt


class Shadow(Log):
    """Stands in for the sink of this name. Its receipts keep nothing, so that a sink that leaves the shadow begins
    with tickets of its own."""

    def send(self, row: OutboxRow) -> Receipt:
        """Note it."""
        return msgspec.structs.replace(super().send(row), remote="shadow")
