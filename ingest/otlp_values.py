"""Who speaks in an OTLP request, and what its values say: resource attributes as labels, AnyValue as text.

Attribute names keep their words, with dots as underscores: ``k8s.pod.name`` is the label ``k8s_pod_name``.
https://opentelemetry.io/docs/specs/semconv/resource/
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from engine.signals import Labels
from ingest.errors import Undecodable
from ingest.labelcache import checked
from ingest.limits import MAX_DEPTH

_ENTITY = {
    "service.name": "service",
    "service.namespace": "service_namespace",
    "host.name": "host",
    "deployment.environment": "deployment_environment",
    "deployment.environment.name": "deployment_environment",
}
"""Resource attributes that say which entity speaks, beside all of ``k8s.*``."""


def label_name(attribute: str) -> str:
    """A dotted attribute name as a label name."""
    return attribute.replace(".", "_")


def entity_labels(resource: Resource) -> dict[str, str]:
    """The labels that tell which entity speaks."""
    found: dict[str, str] = {}
    for attribute in resource.attributes:
        name = _ENTITY.get(attribute.key) or (label_name(attribute.key) if attribute.key.startswith("k8s.") else None)
        if name:
            found[name] = text(attribute.value)
    return found


def speaker(resource: Resource) -> Labels:
    """The labels of a resource's logs and spans. Raises `Undecodable` when nothing tells whose they are."""
    found = entity_labels(resource)
    if not any(found.values()):
        raise Undecodable(("/resource", "expected a resource attribute service.name, host.name or k8s.*"))
    return checked(found)


def attributes(values: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as labels."""
    return {label_name(value.key): text(value.value) for value in values}


def text(value: AnyValue) -> str:
    """A value as text: strings as they are, the others as JSON. Raises `Undecodable` when it nests too deeply."""
    if value.WhichOneof("value") == "string_value":
        return value.string_value
    plain = _plain(value, 0)
    return "" if plain is None else msgspec.json.encode(plain).decode()


def _plain(value: AnyValue, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise Undecodable(("", f"expected at most {MAX_DEPTH} levels of nesting"))
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value, depth + 1) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None
