"""A look at the repository of playbooks on behalf of somebody: what is newer comes into force."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.parts import Parts
from api.restoring.schemas import Fetched

SAID = "source_doubt"
"""The fact of an activation that says what is doubtful about where its playbook is from."""


async def refreshed(running: Parts) -> Fetched | None:
    """Fetch; playbooks that are newer and have no mistakes come into force. None: there is no repository."""
    repository = running.workshop.repository
    if repository is None:
        return None
    books = await run_in_threadpool(repository.books)
    said = [str(one) for one in books.findings if not one.warning]
    if books.policy is None:
        said.insert(0, f"commit {books.commit[:12]} has mistakes; what was in force stays so")
    if books.doubt:
        said.append(books.doubt)
    changed = False
    if books.policy is not None and books.commit:
        changed = await running.bring(books.policy)
    source = await run_in_threadpool(repository.source)
    return Fetched(source=source, changed=changed, rules=running.rules().version, findings=said)


async def with_source(running: Parts, facts: dict[str, str]) -> dict[str, str]:
    """The facts of an activation with what a look at the repository has found, whatever the sender says of it. Work
    goes on where that does not come through."""
    kept = {name: value for name, value in facts.items() if name != SAID}
    try:
        found = await refreshed(running)
    except (Problem, TimeoutError) as error:
        return kept | {SAID: f"newer playbooks could not come into force: {error}"}
    if found is None or not found.findings:
        return kept
    return kept | {SAID: "; ".join(found.findings[:3])}
