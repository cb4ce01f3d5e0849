"""Which entity an alert, a series or a log record speaks of: names to look up, best first.

A template is a label (``service``) or text with labels in braces (``{namespace}/{deployment}``); it yields nothing
when a label is missing. Two filters exist: ``{pod|workload}`` takes the suffixes off that Kubernetes gives to pods,
``{instance|host}`` takes the port off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from rules.errors import Flaw

DEFAULT_ORDER = (
    "entity",
    "service",
    "service_name",
    "{service.namespace}/{service.name}",
    "service.name",
    "{namespace}/{deployment}",
    "{namespace}/{service}",
    "app",
    "component",
    "resource",
    "{pod|workload}",
    "{k8s.pod.name|workload}",
    "statefulset",
    "daemonset",
    "deployment",
    "k8s.deployment.name",
    "container",
    "node",
    "k8s.node.name",
    "host",
    "host.name",
    "instance",
    "{instance|host}",
    "device",
    "job",
)
"""Labels of people first, then of Prometheus and OpenTelemetry, from the service down to the scrape job."""

_PLACE = re.compile(r"\{([^{}|]+)(?:\|([^{}]*))?\}")
_SAFE = frozenset("bcdfghjklmnpqrstvwxz2456789")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def workload(pod: str) -> Iterator[str]:
    """Names of what may own a pod, longest suffix first.

    ``cart-6d4cf56db6-x7k2p`` (ReplicaSet), ``log-agent-x7k2p`` (DaemonSet, Job), ``kafka-0`` (StatefulSet). Suffixes
    are drawn from 27 characters without vowels (k8s.io/apimachinery ``util/rand``).
    """
    head, _, tail = pod.rpartition("-")
    if not head:
        return
    if tail.isdigit() and tail.isascii() and len(tail) < 5:
        yield head
        return
    if len(tail) != 5 or not _ALNUM.issuperset(tail):
        return
    owner, _, middle = head.rpartition("-")
    if owner and _is_hash(middle):
        yield owner
    if _is_hash(tail):
        yield head


def host(instance: str) -> Iterator[str]:
    """``db-1:9100`` -> ``db-1``; ``[::1]:9100`` -> ``::1``."""
    name, colon, port = instance.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        yield name.strip("[]")


FILTERS: Mapping[str, Callable[[str], Iterator[str]]] = {"workload": workload, "host": host}


class Names:
    """Templates, compiled. Immutable; a look-up takes some microseconds and allocates per hit only."""

    __slots__ = ("_steps",)

    def __init__(self, templates: tuple[str, ...]) -> None:
        self._steps = tuple(compile_template(template) for template in templates)

    def candidates(self, labels: Mapping[str, str]) -> Iterator[str]:
        """Names in template order; one may come twice."""
        get = labels.get
        for label, rest in self._steps:
            value = get(label)
            if value:
                if rest is None:
                    yield value
                else:
                    yield from rest(labels)


Step = tuple[str, Callable[[Mapping[str, str]], Iterator[str]] | None]
"""The first label that must be there, and what makes names of the labels (None: the label's value is the name)."""


def compile_template(template: str) -> Step:
    """The step of one template. Raises `Flaw` (bad-mapping)."""
    if "{" not in template and "}" not in template:
        if not template.strip():
            raise Flaw("bad-mapping", "an empty template", "name a label")
        return template, None
    places = list(_PLACE.finditer(template))
    if not places or set(_PLACE.sub("", template)) & {"{", "}"}:
        raise Flaw("bad-mapping", f"not a template: {template!r}", "write labels in braces: {namespace}/{service}")
    for place in places:
        if place[2] is not None and place[2] not in FILTERS:
            raise Flaw("bad-mapping", f"unknown filter {place[2]!r}", f"one of {', '.join(FILTERS)}")
    if len(places) == 1 and places[0][0] == template:
        return places[0][1], _filtered(places[0][1], places[0][2])
    if any(place[2] for place in places):
        raise Flaw("bad-mapping", f"{template!r}: a filter must stand alone", "write it as a template of its own")
    return places[0][1], _joined(template, tuple(place[1] for place in places))


def _filtered(label: str, name: str | None) -> Callable[[Mapping[str, str]], Iterator[str]] | None:
    if name is None:
        return None
    apply = FILTERS[name]
    return lambda labels: apply(labels[label])


def _joined(template: str, needed: tuple[str, ...]) -> Callable[[Mapping[str, str]], Iterator[str]]:
    pieces = _PLACE.split(template)[::3]  # the texts between the places

    def names(labels: Mapping[str, str]) -> Iterator[str]:
        values = [labels.get(label) for label in needed]
        if all(values):
            yield pieces[0] + "".join(f"{value}{text}" for value, text in zip(values, pieces[1:], strict=True))

    return names


def _is_hash(text: str) -> bool:
    """Whether it looks drawn at random: no vowels, or letters and digits mixed."""
    if not 5 <= len(text) <= 10 or not _ALNUM.issuperset(text):
        return False
    return _SAFE.issuperset(text) or (not text.isalpha() and not text.isdigit())
