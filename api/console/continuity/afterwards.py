"""What an incident leaves behind, as a part of its page: catalogue, missing alerts, capacity, evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from api.console.continuity.deeds import Ask, Deed, Desk, Route
from api.console.sharing import Shared
from api.governance.access import AccessRow, ledger
from api.governance.undetected import written
from api.parts import Parts
from api.restoring.git import GitFailed
from api.restoring.proposing import proposed
from api.restoring.schemas import ProposalOf
from engine.continuity.report import ReportOf
from engine.governance.undetected import proposed as rule_of
from engine.member_views import MemberView
from engine.outcomes import IncidentView
from engine.response_views import CatalogueChange

CAPACITY = "capacity"
BRANCH = (("branch", "Branch"), ("error", "Why it is only a patch"), ("diff", "Change"))
"""What is told of a proposal."""
GIT_LASTS = 5.0
"""Seconds for which what Git said is shown; it is several programs."""


def afterwards(
    running: Parts, shared: Shared, view: IncidentView, report: ReportOf | None, desk: Desk
) -> dict[str, Any]:
    """The values of the template; ``report`` is None while the incident is open."""
    changes = view.response.catalogue
    return {
        "changes": [(one, list(_change(one, desk))) for one in changes],
        "patchable": any(one.state != "refused" for one in changes),
        "suggest": _suggest(desk),
        "missed": [_missed(one) for one in view.members if one.kind == "deviating"],
        "capacity": [one for one in view.response.actions if one.kind == CAPACITY],
        "bundles": running.workshop.bundles.listed(view.id),
        "export": _export(desk),
        **_proposals(running, shared, view, report, desk),
    }


def access(running: Parts, view: IncidentView) -> dict[str, AccessRow]:
    """What the access system was told of each grant, by the grant's id. Raises `engine.errors.StoreUnavailable`."""
    if not view.response.grants:
        return {}
    return {row.grant.id: row for row in ledger(running.reader, [view]).items}


def _change(one: CatalogueChange, desk: Desk) -> Iterator[Deed]:
    if one.state != "open":
        return
    hidden = {"change": one.id, "version": one.version}
    about = f"{one.id}: {one.field} of {one.entity}"
    yield desk.deed("accept_change", "Accept", about, key=one.id, hidden=hidden)
    yield desk.deed("refuse_change", "Refuse", about, key=one.id, hidden=hidden)


def _suggest(desk: Desk) -> Deed:
    return desk.deed(
        "propose_change", "Propose a change", "What the catalogue should say",
        Ask(name="entity", label="Entity"), Ask(name="field", label="Field", hint="rto, owner, depends_on, …"),
        Ask(name="value", label="Value from now on"),
    )  # fmt: skip


def _missed(one: MemberView) -> tuple[MemberView, str]:
    """With the rule that would have told; "" where no series showed it."""
    rule = rule_of(one)
    return one, "" if rule is None else written(rule)


def _export(desk: Desk) -> Deed:
    path = f"/api/v1/incidents/{quote(desk.target, safe='')}/bundles"
    return desk.deed(
        "export_bundle", "Seal and take along", "Forensic bundle", route=Route(path=path, saves=True, plain=True)
    )


def _proposals(
    running: Parts, shared: Shared, view: IncidentView, report: ReportOf | None, desk: Desk
) -> dict[str, Any]:
    """What was proposed to the repository of playbooks, and what could be. ``doubt``: Git cannot say."""
    repository = running.workshop.repository
    made: list[ProposalOf] = []
    doubt = ""
    if repository is None or report is None:
        return {"proposed": made, "git_doubt": doubt, "propose": []}
    try:
        made = shared.kept(f"proposals {view.id}", GIT_LASTS, lambda: proposed(repository, view.id))
    except GitFailed as error:
        doubt = str(error)
    playbooks = dict.fromkeys(one.playbook for one in report.proposals)
    return {"proposed": made, "git_doubt": doubt, "propose": [_propose(one, desk) for one in playbooks]}


def _propose(playbook: str, desk: Desk) -> Deed:
    path = f"/api/v1/incidents/{quote(desk.target, safe='')}/proposals/{quote(playbook, safe='')}"
    route = Route(path=path, shows=BRANCH)
    return desk.deed("propose_playbook", "Propose the change", f"Playbook {playbook}", key=playbook, route=route)
