"""Impact kept up to date: when own healths or dependencies change, only what that reaches is reckoned anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from topology.compiled import NONE, Compiled
from topology.groups import UP
from topology.layout import Places, layout, number_of
from topology.parts import Dependency
from topology.rewired import Rewired


class Standing:
    """The health of all entities under own healths and dependencies that change one by one; always equal to what
    `topology.bulk.healths` says of the topology as changed.

    ``own`` are own healths of those that are not up; with ``felt`` all buffers are spent, without none is; without
    ``doubtful`` nothing comes through dependencies that were only discovered. Raises KeyError for unknown ids and
    ValueError for healths outside 0 … 1000.
    """

    def __init__(
        self,
        compiled: Compiled,
        own: Mapping[str, int] | None = None,
        felt: bool = True,
        doubtful: bool = True,
    ) -> None:
        self._compiled = compiled
        plan = layout(compiled, doubtful)
        self._worlds = Rewired(compiled, plan, np.zeros(plan.size, np.int16), spent=felt, doubtful=doubtful)
        rows, lost = self._asked(own or {})
        self._worlds.own[rows] = lost
        self._worlds.begin()

    def health(self, entity: str) -> int:
        """The health of one entity."""
        return UP - int(self._worlds.values[self._position(entity)])

    def healths(self) -> NDArray[np.int16]:
        """The health of every entity, by number."""
        found: NDArray[np.int16] = UP - self._worlds.values[self._worlds.plan.position]
        return found

    def change(self, own: Mapping[str, int]) -> dict[str, int]:
        """Set own healths, 1000 for who is healed; returns the health of every entity for which it changed.

        Work is proportional to what is reached. Healing what lies on a cycle also looks at what else is hit on it.
        """
        worlds = self._worlds
        rows, lost = self._asked(own)
        before = worlds.own[rows]
        worlds.own[rows] = lost
        changed, _ = worlds.settle(rows[lost != before], heals=bool((lost < before).any()))
        return self._told(changed)

    def rewire(self, added: Iterable[Dependency] = (), removed: Iterable[Dependency] = ()) -> dict[str, int]:
        """Add and remove dependencies between entities; returns the health of every entity for which it changed.

        Raises KeyError for entities and dependencies that are not there. Raises ValueError for changes that only a
        topology compiled anew can show: an added dependency on who is not on a lower level, a removed one on a cycle.
        """
        changed, _ = self._worlds.rewire(added, removed)
        return self._told(changed)

    def _told(self, changed: Places) -> dict[str, int]:
        names, worlds = self._compiled.names, self._worlds
        left = UP - worlds.values[changed]
        return {names[n]: h for n, h in zip(worlds.plan.number[changed].tolist(), left.tolist(), strict=True)}

    def _asked(self, own: Mapping[str, int]) -> tuple[Places, NDArray[np.int16]]:
        for entity, health in own.items():
            if not 0 <= health <= UP:
                raise ValueError(f"the health of {entity} must be within 0 … {UP}, and is {health}")
        rows = np.fromiter(map(self._position, own), np.int64, len(own))
        return rows, np.fromiter((UP - health for health in own.values()), np.int16, len(own))

    def _position(self, entity: str) -> int:
        number = number_of(self._compiled.names, entity)
        if number == NONE:
            raise KeyError(entity)
        return int(self._worlds.plan.position[number])
