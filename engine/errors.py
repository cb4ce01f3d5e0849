"""Errors of the engine. Whose fault each is stands in its docstring, which is also its message.

EngineError
├── StoreUnavailable    the operator's disk or database: inputs are refused, senders try again
│   └── Fenced          another engine has taken the shard over: this one's writes are refused
├── StoreCorrupt        the stored state contradicts itself: the engine refuses to start
├── UnknownVersion      the shell did not provide a version that the input log activates
├── NotPermitted        the actor may not do this
├── Refused             the command cannot be carried out as it is
├── IllegalTransition   the incident's state does not allow this
└── SinkError           a receiver of publications
"""

from __future__ import annotations


class EngineError(Exception):
    """The engine could not do what was asked."""

    def __init__(self, detail: str = "") -> None:
        message = (type(self).__doc__ or "").strip()
        super().__init__(f"{message} {detail}".strip())
        self.detail = detail


class StoreUnavailable(EngineError):
    """The store cannot be written."""


class Fenced(StoreUnavailable):
    """Another engine has taken this shard over."""


class StoreCorrupt(EngineError):
    """The stored state contradicts itself."""


class UnknownVersion(EngineError):
    """A version that the input log activates is not in the library."""


class NotPermitted(EngineError):
    """You may not do this."""


class Refused(EngineError):
    """The command cannot be carried out."""


class IllegalTransition(EngineError):
    """The incident's state does not allow this."""


class SinkError(EngineError):
    """A receiver did not take a publication."""

    def __init__(
        self,
        detail: str,
        *,
        permanent: bool = False,
        ambiguous: bool = False,
        after: float | None = None,
        busy: bool = False,
    ) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.ambiguous = ambiguous
        self.after = after  # seconds the receiver asked us to wait
        self.busy = busy or after is not None  # it asked us to wait, perhaps without saying for how long
