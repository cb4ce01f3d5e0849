"""No data may be lost, but a queue on the way forgets what it holds when it goes down."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from topology.compiled import ASYNC
from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.model import Kind

ID = "not-durable"


def find(case: Case) -> Iterator[Finding]:
    """One per entity with an RPO of 0, with the nearest such queue. Who may lose something passes nothing on."""
    if not any(said.durable is False for said in case.said):
        return
    asynchronous = case.compiled.semantics == ASYNC
    handed = {*case.compiled.consumer[asynchronous].tolist(), *case.compiled.provider[asynchronous].tolist()}
    forgetful = [
        n
        for n, said in enumerate(case.said)
        if said.durable is False and (n in handed or case.entities[n].kind is Kind.QUEUE)
    ]
    below = dict.fromkeys(forgetful, -1)
    waiting = deque(forgetful)
    while waiting:
        entity = waiting.popleft()
        if case.rpo[entity] == 0:
            yield _finding(case, entity, below)
        elif case.rpo[entity] is not None and below[entity] != -1:
            continue
        for consumer in case.consumers[entity]:
            if consumer not in below:
                below[consumer] = entity
                waiting.append(consumer)


def _finding(case: Case, entity: int, below: dict[int, int]) -> Finding:
    chain = [entity]
    while (following := below[chain[-1]]) != -1:
        chain.append(following)
    queue = case.names[chain[-1]]
    return case.finding(
        ID,
        Level.ERROR,
        [entity] if chain[-1] == entity else [entity, chain[-1]],
        f"{case.names[entity]} may lose no data, but {queue} forgets what it holds when it goes down",
        chain=chain,
        fix=Fix(entity=queue, field="durable", value=True, before=False),
    )
