"""The engine's own signals as input-log entries: commands, what flows back from tickets, what probes found, what
queries gave, downtime, activations.

The format's name is ``own``.
"""

from __future__ import annotations

import msgspec

from engine.ports import Decoded, Record, Reject
from engine.signals import Activation, Answer, Command, Downtime, Fetched, Millis, TicketEvent

FORMAT = "own"


class _Command(Command, frozen=True, tag_field="kind_of", tag="command"):
    pass


class _Downtime(Downtime, frozen=True, tag_field="kind_of", tag="downtime"):
    pass


class _Activation(Activation, frozen=True, tag_field="kind_of", tag="activation"):
    pass


class _TicketEvent(TicketEvent, frozen=True, tag_field="kind_of", tag="ticket"):
    pass


class _Answer(Answer, frozen=True, tag_field="kind_of", tag="answer"):
    pass


class _Fetched(Fetched, frozen=True, tag_field="kind_of", tag="fetched"):
    pass


_decoder = msgspec.json.Decoder(_Command | _TicketEvent | _Answer | _Fetched | _Downtime | _Activation)


def decode(body: bytes) -> Decoded:
    """Never raises: a body that is none of the engine's own is one reject."""
    try:
        return Decoded((_decoder.decode(body),))
    except msgspec.DecodeError as error:
        return Decoded((), (Reject("", str(error), body),))


def command(command: Command, token: object = None) -> Record:
    """The input record of a person's command."""
    own = _Command(command.actor, command.action, command.target, command.reason, command.facts)
    return _record("command", own, token=token)


def ticket(event: TicketEvent, token: object = None) -> Record:
    """The input record of what somebody changed in a ticket."""
    return _record("tickets", _TicketEvent(**msgspec.structs.asdict(event)), token=token)


def answer(found: Answer, token: object = None) -> Record:
    """The input record of what a probe or a data check found."""
    return _record("probes", _Answer(**msgspec.structs.asdict(found)), token=token)


def fetched(found: Fetched, token: object = None) -> Record:
    """The input record of what a query gave."""
    return _record("queries", _Fetched(**msgspec.structs.asdict(found)), token=token)


def downtime(since: Millis, until: Millis) -> Record:
    """The input record of the engine's own downtime; it arrives at ``since``, before the timers due in the gap."""
    return _record("self", _Downtime(since, until), arrival=since)


def activation(kind: str, version: str, arrival: Millis | None = None) -> Record:
    """The input record that brings a version of the topology or the rules into force."""
    return _record("self", _Activation(kind, version), arrival=arrival)


def _record(
    source: str,
    signal: _Command | _TicketEvent | _Answer | _Fetched | _Downtime | _Activation,
    *,
    arrival: Millis | None = None,
    token: object = None,
) -> Record:
    return Record(source, FORMAT, msgspec.json.encode(signal), decoded=Decoded((signal,)), arrival=arrival, token=token)
