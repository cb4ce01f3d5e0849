"""The look at topics when the engine starts: are they there, and as declared? Told, never changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing

from api.sinks.cluster import Cluster
from ingest.kafka.topics import Topics

log = logging.getLogger(__name__)

_AGAIN = 10.0
HINT = "headwater topics create"


class Look:
    """Looks once at each of the clusters, by name, as soon as it can be reached."""

    def __init__(self, clusters: Mapping[str, Sequence[Cluster]]) -> None:
        self._clusters = clusters
        self._found: dict[str, list[str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-topics", daemon=True)

    def start(self) -> None:
        """Begin, where there is anything to look at."""
        if self._clusters:
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_AGAIN)

    def found(self, name: str) -> list[str]:
        """What is not as declared, as far as it is known."""
        return self._found.get(name, [])

    def _run(self) -> None:
        left = dict(self._clusters)
        while left and not self._stop.is_set():
            for name, clusters in list(left.items()):
                try:
                    self._found[name] = [said for one in clusters for said in differences(one)]
                except Exception as error:  # the source or the sink tells why its cluster is away
                    log.info("%s: its topics cannot be looked at: %s", name, error)
                    continue
                for said in self._found[name]:
                    log.warning("%s: %s", name, said)
                del left[name]
            self._stop.wait(_AGAIN)


def differences(cluster: Cluster) -> list[str]:
    """Where a cluster is not as declared. Raises ConnectionError, KafkaError, OSError."""
    with closing(Topics(cluster.given())) as topics:
        found = topics.differences([one.wanted() for one in cluster.declared()])
    return [f"{one}: {HINT}" if one.what == "missing" else str(one) for one in found]
