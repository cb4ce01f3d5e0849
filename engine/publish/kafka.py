"""Publications as records of Kafka topics, keyed by incident, so that those of one incident stay in order.

A publication is a record of the topic of incidents, with the very JSON that a webhook gets; what the incident reaches,
and whether service is back, are records of their own in topics of their own, where these are declared. All carry the
key of the publication in the header ``idempotency-key``: whoever reads the topic drops what it has seen. Within one
connection the broker drops repeats by itself (acks=all, idempotent producer); after a crash only the key tells.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from engine.errors import SinkError
from engine.outcomes import Publication
from engine.publish import event
from engine.publish.messages import impact, recovery
from engine.sending import OutboxRow, Receipt

with warnings.catch_warnings():  # kafka-python 3.0 reads its message schemas with importlib.resources.read_text
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.errors import (
        AuthorizationError,
        InvalidTopicError,
        KafkaError,
        KafkaTimeoutError,
        MessageSizeTooLargeError,
        RecordListTooLargeError,
    )

KEY = "idempotency-key"
TYPE = "headwater-type"
_JSON = ("content-type", b"application/json")
_REFUSED = (AuthorizationError, InvalidTopicError, MessageSizeTooLargeError, RecordListTooLargeError)
_CLOSING = 5.0


class Places(NamedTuple):
    """Names of topics; None: not sent."""

    incidents: str
    impact: str | None = None
    recovery: str | None = None


class Kafka:
    """A sink. ``open`` makes a `kafka.KafkaProducer` of its options, to which those are added that keep the promise;
    ``deadline``: seconds until an acknowledgement is given up."""

    idempotent = True

    def __init__(
        self,
        name: str,
        open: Callable[[Mapping[str, Any]], Any],
        places: Places,
        audiences: frozenset[str],
        deadline: float,
    ) -> None:
        self.name, self.audiences = name, audiences
        self._places, self._deadline = places, deadline
        wait = max(1000, round(deadline * 1000))
        self._open = open
        self._options: dict[str, Any] = {
            "bootstrap_timeout_ms": wait,
            "max_block_ms": wait,
            "request_timeout_ms": wait // 2,
            "delivery_timeout_ms": wait,
            "acks": "all",
            "enable_idempotence": True,
        }
        self._lock = threading.Lock()
        self._client: Any = None

    def send(self, row: OutboxRow) -> Receipt:
        """Send its records and wait until they are acknowledged by all replicas in sync.

        Raises `SinkError`: what brokers refuse is permanent, a lost acknowledgement ambiguous, the rest transient.
        """
        publication = row.publication
        client = self._connected()
        try:
            sent = [
                client.send(topic, body, publication.incident.encode(), _headers(publication, type))
                for topic, type, body in self._records(publication)
            ]
        except _REFUSED as error:
            raise SinkError(_said(error), permanent=True) from error
        except KafkaError as error:  # nothing was handed over: the topic or its brokers are not known
            raise SinkError(_said(error)) from error
        try:
            for future in sent:
                future.get(self._deadline + 1)
        except _REFUSED as error:
            self._drop()
            raise SinkError(_said(error), permanent=True) from error
        except KafkaError as error:
            self._drop()
            raise SinkError(_said(error), ambiguous=isinstance(error, KafkaTimeoutError)) from error
        return Receipt(publication.key)

    def show(self, row: OutboxRow) -> str:
        """The records, each below its topic and type."""
        shown = (
            f"{topic} ({type})\n{msgspec.json.format(body, indent=2).decode()}"
            for topic, type, body in self._records(row.publication)
        )
        return "\n\n".join(shown)

    def close(self) -> None:
        """Give up the connections."""
        self._drop()

    def _records(self, publication: Publication) -> list[tuple[str, str, bytes]]:
        """(topic, type, value) of each record."""
        places = self._places
        found = [(places.incidents, f"incident.{publication.action}", event.event(publication))]
        if places.impact is not None:
            found.append((places.impact, "impact", impact(publication)))
        result = recovery(publication) if places.recovery is not None else None
        if places.recovery is not None and result is not None:
            found.append((places.recovery, "recovery", result))
        return found

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                try:
                    self._client = self._open(self._options)
                except (KafkaError, OSError) as error:
                    raise SinkError(_said(error)) from error
            return self._client

    def _drop(self) -> None:
        """After a failure the next record goes by a new producer: an old one may be in a state that takes nothing."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client._sender.force_close()  # close() would first wait for what is given up
            client.close(timeout=_CLOSING)


def _headers(publication: Publication, type: str) -> list[tuple[str, bytes]]:
    return [(KEY, publication.key.encode()), (TYPE, type.encode()), _JSON]


def _said(error: Exception) -> str:
    return f"Kafka: {type(error).__name__}: {error}"
