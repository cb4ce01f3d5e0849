"""Risk: how probable it is that an entity goes down within the horizon, because of what can fail behind it.

Worlds of basic failures, shared fates included, are run through the algebra; marginal probabilities are never
multiplied, as entities that need the same thing do not fail independently. Three parts of the answer are not left to
chance, so that rare events are seen too:

* Failures that take the target down alone (cut sets of order 1) are reckoned exactly: 1 − Π(1 − q).
* Given that none of them happens, it takes at least two others, each of which loosens a redundancy group on the way.
  When these are few, all their worlds are enumerated.
* Otherwise worlds are sampled; where two or more such failures are improbable, only worlds that have them, weighted
  with the probability of such a world (stratified sampling: W. Cochran, Sampling Techniques, 1977, chapter 5).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topology.cutout import Cutout, bools, cone
from topology.failures import Failure
from topology.field import Field, fallen, field, portion
from topology.layout import Places, ranges
from topology.model import Topology
from topology.sampling import Floats, Numbers, Several, failing, hazards, wilson

WORLDS = 10_000
ENUMERATED = 12
"""Worlds of up to so many failures are enumerated."""
COMMON = 0.25
"""Above this probability, worlds with two or more failures need no help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Of one entity, within the horizon; ``low`` … ``high`` is the 95 % confidence interval, without width where
    nothing was sampled.

    ``fate_share`` of the probability is owed to shared fates: what would go without them. ``method``: ``exact``,
    ``sampled``, or ``conditional`` (``hits`` of ``worlds`` in which at least two failures happen, which a world does
    with probability ``stratum``). ``alone``: the failures that suffice alone, the most probable first; ``together``:
    how many others can contribute; ``assumed``: how many of both have a probability that nobody stated.
    """

    entity: str
    probability: float
    low: float
    high: float
    fate_share: float
    method: str
    worlds: int
    hits: int
    stratum: float
    alone: tuple[Failure, ...]
    together: int
    assumed: int


@dataclass(frozen=True, slots=True)
class Risks:
    """``risks`` of the entities that still work, in the order asked for; ``expected``: how many of them go down."""

    risks: tuple[Risk, ...]
    worlds: int

    @property
    def expected(self) -> float:
        """The expected number that goes down; expectations do add up."""
        return sum(risk.probability for risk in self.risks)


@dataclass(frozen=True, slots=True)
class _Residue:
    """The risk given that nothing that suffices alone happens: (all, low, high) and without shared fates."""

    share: float
    low: float
    high: float
    fateless: float
    method: str = "exact"
    worlds: int = 0
    hits: int = 0
    stratum: float = 1.0


def assess(
    index: Topology,
    targets: Sequence[str],
    down: Collection[str] = (),
    worlds: int = WORLDS,
    seed: int | None = None,
    enumerated: int = ENUMERATED,
) -> Risks:
    """The risk of the targets, given who is ``down``. The same content (or ``seed``) gives the same answer.

    Raises KeyError for ids that the topology does not have.
    """
    ground = field(index, targets, down)
    alone, together = ground.scan()
    start = int(index.version, 16) if seed is None else seed
    found = []
    for place, target in enumerate(ground.targets):
        lone, others = np.flatnonzero(alone[place]), np.flatnonzero(together[place])
        residue = _NOTHING
        if len(others) > 1:
            number = int(ground.cutout.numbers[ground.rows[place]])
            part = _Part(ground, number, others)
            residue = _enumerated(part) if len(others) <= enumerated else _sampled(part, worlds, (start, number))
        found.append(_risk(ground, target, lone, others, residue))
    return Risks(tuple(found), worlds)


_NOTHING = _Residue(0.0, 0.0, 0.0, 0.0)


class _Part:
    """A target's own cutout, and the failures that can only together take it down."""

    def __init__(self, ground: Field, number: int, others: NDArray[np.int64]) -> None:
        self.cutout = Cutout(ground.compiled, cone(ground.reads, [number]))
        row = self.cutout.row[ground.cutout.numbers]
        places, lengths = ranges(ground.start, others)
        rows = row[ground.struck[places]].astype(np.int64)
        of = np.repeat(np.arange(len(others)), lengths)[rows >= 0]
        self.struck = rows[rows >= 0]
        self.start: Places = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(others)))]).astype(np.int64)
        self.before = ground.before[ground.cutout.row[self.cutout.numbers]]
        self.target = int(self.cutout.row[number])
        self.fate = np.array([ground.failures[other].fate for other in others])
        self.probability = np.array([ground.failures[other].probability for other in others])

    def down(self, failures: Numbers, worlds: Numbers, count: int) -> NDArray[np.bool_]:
        """Whether the target is down in each world."""
        state = fallen(self.cutout, self.before, self.start, self.struck, failures, worlds, count)
        return bools(state[self.target], count)


def _enumerated(part: _Part) -> _Residue:
    size = len(part.probability)
    every = np.arange(2**size)
    happens = (every[:, None] >> np.arange(size)) & 1 == 1
    world, failure = np.nonzero(happens)
    down = part.down(failure, world, len(every))
    weight = np.where(happens, part.probability, 1 - part.probability)
    without = down & ~happens[:, part.fate].any(axis=1)
    share = float(weight.prod(axis=1)[down].sum())
    fateless = float(weight[:, ~part.fate].prod(axis=1)[without].sum())
    return _Residue(share, share, share, fateless, worlds=len(every), hits=int(down.sum()))


def _sampled(part: _Part, worlds: int, seed: tuple[int, ...]) -> _Residue:
    hazard = hazards(part.probability)
    several = Several.of(hazard)
    rare = several.probability < COMMON
    stratum = several.probability if rare else 1.0
    hits = fateless = 0
    step = portion(part.cutout)
    for turn, first in enumerate(range(0, worlds, step)):
        count = min(step, worlds - first)
        source = (*seed, turn)
        failure, world = several.failing(count, source) if rare else failing(hazard, count, source)
        down = int(part.down(failure, world, count).sum())
        hits += down
        if down and part.fate.any():
            own = ~part.fate[failure]
            fateless += int(part.down(failure[own], world[own], count).sum())
        else:
            fateless += down
    low, high = wilson(hits, worlds)
    return _Residue(
        share=stratum * hits / worlds,
        low=stratum * low,
        high=stratum * high,
        fateless=stratum * fateless / worlds,
        method="conditional" if rare else "sampled",
        worlds=worlds,
        hits=hits,
        stratum=stratum,
    )


def _risk(ground: Field, target: str, lone: Numbers, others: Numbers, residue: _Residue) -> Risk:
    alone = [ground.failures[place] for place in lone]
    total = _hazard(alone)
    probability = _either(total, residue.share)
    fateless = _either(_hazard([failure for failure in alone if not failure.fate]), residue.fateless)
    assumed = sum(failure.assumed for failure in alone) + sum(ground.failures[place].assumed for place in others)
    return Risk(
        entity=target,
        probability=probability,
        low=_either(total, residue.low),
        high=_either(total, residue.high),
        fate_share=max(0.0, 1 - fateless / probability) if probability else 0.0,
        method=residue.method,
        worlds=residue.worlds,
        hits=residue.hits,
        stratum=residue.stratum,
        alone=tuple(sorted(alone, key=lambda failure: (-failure.ppm, failure.name))),
        together=len(others),
        assumed=assumed,
    )


def _hazard(failures: Sequence[Failure]) -> float:
    probabilities: Floats = np.array([failure.probability for failure in failures])
    return float(hazards(probabilities).sum())


def _either(hazard: float, otherwise: float) -> float:
    """Something of this hazard happens or, if not, the other; exact for small probabilities too."""
    return -math.expm1(-hazard) + math.exp(-hazard) * otherwise
