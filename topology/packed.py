"""Columns as bytes: what a version stores and is a hash of. Equal content has equal bytes.

MessagePack of the templates and, little-endian, the columns: some 12 bytes for a dependency, 20 and its name for an
entity.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from topology.columns import Columns, canonical, stable_order, starts
from topology.continuity import SharedFate
from topology.parts import Dependency, Entity, Group

FORMAT = 1
_BYTE, _SHORT = 1 << 8, 1 << 16


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """``names`` follow each other without a separator, ``lengths`` are in characters."""

    format: int
    names: str
    lengths: bytes
    entity: bytes
    degree: bytes
    provider: bytes
    dependency: bytes
    group_consumer: bytes
    group: bytes
    entity_templates: tuple[Entity, ...]
    dependency_templates: tuple[Dependency, ...]
    group_templates: tuple[Group, ...]
    fates: tuple[SharedFate, ...]


def pack(columns: Columns) -> bytes:
    """The columns as bytes."""
    return canonical.encode(
        _Packed(
            format=FORMAT,
            names="".join(columns.names),
            lengths=_bytes(np.fromiter(map(len, columns.names), dtype="<i4", count=len(columns.names))),
            entity=_bytes(columns.entity, len(columns.entity_templates)),
            degree=_bytes(np.diff(columns.out_start)),
            provider=_bytes(columns.provider),
            dependency=_bytes(columns.dependency, len(columns.dependency_templates)),
            group_consumer=_bytes(columns.group_consumer),
            group=_bytes(columns.group, len(columns.group_templates)),
            entity_templates=columns.entity_templates,
            dependency_templates=columns.dependency_templates,
            group_templates=columns.group_templates,
            fates=columns.fates,
        )
    )


def unpack(content: bytes) -> Columns:
    """The columns of packed bytes. ValueError when they are of another format."""
    found = msgspec.msgpack.decode(content, type=_Packed)
    if found.format != FORMAT:
        raise ValueError(f"a topology in format {found.format}; this release reads format {FORMAT}")
    ends = accumulate(_ints(found.lengths).tolist(), initial=0)
    names = [found.names[begin:end] for begin, end in pairwise(ends)]
    provider = _ints(found.provider)
    return Columns(
        names=names,
        entity=_ints(found.entity, len(found.entity_templates)),
        entity_templates=found.entity_templates,
        out_start=np.concatenate([[0], np.cumsum(_ints(found.degree))]).astype(np.int32),
        provider=provider,
        dependency=_ints(found.dependency, len(found.dependency_templates)),
        dependency_templates=found.dependency_templates,
        in_start=starts(provider, len(names)),
        in_edge=stable_order(provider),
        group_consumer=_ints(found.group_consumer),
        group=_ints(found.group, len(found.group_templates)),
        group_templates=found.group_templates,
        fates=found.fates,
    )


def _form(templates: int) -> str:
    """The smallest form that holds the numbers of so many templates; 0: any number."""
    if not templates or templates > _SHORT:
        return "<i4"
    return "<u1" if templates <= _BYTE else "<u2"


def _bytes(column: NDArray[Any], templates: int = 0) -> bytes:
    return column.astype(_form(templates)).tobytes()


def _ints(column: bytes, templates: int = 0) -> NDArray[np.int32]:
    return np.frombuffer(column, dtype=_form(templates)).astype(np.int32)
