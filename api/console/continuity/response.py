"""How an incident is being worked on, as a page: playbook and gates, measures, access, vendors, handover, review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api import continuity
from api.console.continuity.afterwards import access, afterwards
from api.console.continuity.deeds import Ask, Deed, Desk
from api.console.continuity.steps import under_way
from api.console.headline import title
from api.console.permits import Permitted
from api.console.sharing import Shared
from api.parts import Parts
from engine.continuity.closing import left_of_response
from engine.continuity.figures import PlaybookStanding
from engine.continuity.measures import IN_USE
from engine.continuity.report import ReportOf
from engine.drills import of_drill
from engine.lifecycle import OPEN, State
from engine.outcomes import IncidentView
from engine.readiness_views import Preparedness
from engine.response_views import ActionItem, Grant, Measure, Response, VendorCall

KINDS = ("route", "override", "silence", "threshold", "scaling", "other")
"""Temporary measures."""
GAPS = ("gap", "playbook", "threshold", "vendor", "capacity")
HELD_BRIEFINGS = 6


def response_page(running: Parts, shared: Shared, view: IncidentView, permitted: Permitted) -> dict[str, Any]:
    """The values of the template."""
    now, rules = running.clock(), running.rules()
    found = continuity.response_of(view, running.topology(), rules, record_of(running), running.tickets, now)
    response, open_ = view.response, view.state in OPEN
    desk = Desk(view.id, permitted)
    execution = response.execution
    told = access(running, view)
    over = None if open_ else continuity.report(running.reader, view.id, rules)
    return {
        "title": f"{view.severity.level} {view.id} restoration",
        "headline": title(view),
        "view": view,
        "response": response,
        "open": open_,
        "drill": of_drill(view.id),
        "now": now,
        "situation": found.situation,
        "applicable": found.applicable,
        "held_open": tuple(dict.fromkeys((*left_of_response(response, view.declaration), *found.held_open)))
        if open_
        else (),
        "played": under_way(running, execution, desk, now, open=open_) if execution else None,
        "activate": _activate(found.applicable, [one.id for one in rules.continuity.playbooks], desk)
        if open_ and (execution is None or execution.ended_at is not None) and rules.continuity.playbooks
        else None,
        "together": list(_together(response, desk)) if open_ else [],
        "measures": [(one, list(_measure(one, desk)) if open_ else []) for one in response.measures],
        "grants": [(one, told.get(one.id), list(_grant(one, desk))) for one in response.grants],
        "vendors": [(one, list(_answered(one, desk))) for one in response.vendors],
        "registers": list(_registers(desk, [one.id for one in rules.continuity.vendors])) if open_ else [],
        "briefings": response.briefings[: -HELD_BRIEFINGS - 1 : -1],
        "handover": list(_handover(response, desk)) if open_ else [],
        "review": [*_review(view, desk), *_problem(view, over, desk)],
        "actions": [
            (one, _done(one, desk), [ticket for ticket in found.tickets if ticket.id == one.id])
            for one in response.actions
        ],
        "problem": response.problem,
        "problem_tickets": [
            ticket for ticket in found.tickets if response.problem and ticket.id == response.problem.id
        ],
        "report": over,
        **afterwards(running, shared, view, over, desk),
    }


def record_of(running: Parts) -> Preparedness:
    """What was done between incidents, as far as the state is known here."""
    state = running.state()
    return state.readiness if state is not None else Preparedness()


def _activate(applicable: list[PlaybookStanding], all_: list[str], desk: Desk) -> Deed:
    """Those that are for what is in trouble stand first."""
    fitting = [one.id for one in applicable]
    names = {one.id: f"{one.id}: {one.title}" for one in applicable}
    options = tuple((id, names.get(id, f"{id} (for something else)")) for id in dict.fromkeys((*fitting, *all_)))
    which = Ask(name="playbook", label="Playbook", kind="choice", options=options)
    despite = Ask(name="despite", label="Despite what", needed=False, hint="only if something blocks it")
    return desk.deed("activate_playbook", "Activate a playbook", "Activate a playbook", which, despite)


def _together(response: Response, desk: Desk) -> Iterator[Deed]:
    assessor = response.assessor
    if assessor is not None and assessor.person and assessor.confirmed_at is None:
        title = f"{assessor.person} confirms"
        yield desk.deed("confirm_assessor", "I have access", title)
    yield desk.deed("take_assessment", "I judge the impact", "Judge the impact")
    text = Ask(name="text", label="What the teams are told", kind="area")
    teams = Ask(name="teams", label="Teams, with ; between", needed=False)
    yield desk.deed("brief", "Briefing held", "Brief the teams", text, teams)


def _registers(desk: Desk, vendors: list[str]) -> Iterator[Deed]:
    kinds = tuple((one, one) for one in KINDS)
    yield desk.deed(
        "register_measure", "Temporary measure", "Register a temporary measure",
        Ask(name="kind", label="Kind", kind="choice", options=kinds), Ask(name="text", label="What was done"),
        Ask(name="entity", label="Entity", needed=False),
    )  # fmt: skip
    yield desk.deed(
        "request_grant", "Ask for access", "Ask for access", Ask(name="person", label="For whom"),
        Ask(name="system", label="To which system"), Ask(name="minutes", label="Minutes", kind="number"),
    )  # fmt: skip
    if vendors:
        which = Ask(name="vendor", label="Vendor", kind="choice", options=tuple((one, one) for one in vendors))
        text = Ask(name="text", label="What they are asked", kind="area")
        yield desk.deed("call_vendor", "Call a vendor", "Call a vendor", which, text)


def _measure(one: Measure, desk: Desk) -> Iterator[Deed]:
    if one.state == "open":
        hidden = {"measure": one.id, "version": one.version}
        about = f"{one.id}: {one.text}"
        yield desk.deed("revert_measure", "Undone", about, key=one.id, hidden=hidden)
        yield desk.deed("accept_measure", "Let it stay", about, key=one.id, hidden=hidden)


def _grant(one: Grant, desk: Desk) -> Iterator[Deed]:
    hidden = {"grant": one.id, "version": one.version}
    about = f"{one.id}: {one.person} to {one.system} for {one.minutes} min"
    if one.state == "requested":
        yield desk.deed("approve_grant", "Allow", about, key=one.id, hidden=hidden)
        yield desk.deed("refuse_grant", "Refuse", about, key=one.id, hidden=hidden)
    if one.state in IN_USE:
        yield desk.deed("revoke_grant", "Take back", about, key=one.id, hidden=hidden)


def _answered(one: VendorCall, desk: Desk) -> Iterator[Deed]:
    if one.answered_at is None:
        text = Ask(name="text", label="What they answered", kind="area")
        hidden = {"call": one.id, "version": one.version}
        yield desk.deed("vendor_answered", "They answered", f"{one.id}: {one.vendor}", text, key=one.id, hidden=hidden)


def _handover(response: Response, desk: Desk) -> Iterator[Deed]:
    found = response.handover
    if found is not None and found.accepted_at is None:
        hidden = {"version": found.version}
        yield desk.deed("accept_handover", "Accept", f"Handover to {found.to}", hidden=hidden)
    yield desk.deed(
        "hand_over", "Hand over", "Hand over to operations", Ask(name="to", label="To whom"),
        Ask(name="text", label="How it stands", kind="area"),
        Ask(name="risks", label="Open risks, with ; between", needed=False),
        Ask(name="actions", label="What is still to be done, with ; between", needed=False),
    )  # fmt: skip


def _review(view: IncidentView, desk: Desk) -> Iterator[Deed]:
    review = view.response.review
    if view.state == State.RESOLVED and (review is None or review.held_at is None):
        yield desk.deed(
            "hold_review", "Review held", "Record the review",
            Ask(name="technical", label="Technical people, with ; between"),
            Ask(name="business", label="Business people, with ; between"),
            Ask(name="findings", label="Findings", kind="area"), Ask(name="well", label="What went well", needed=False),
        )  # fmt: skip
    if view.state == State.RESOLVED and review is not None and review.held_at is not None:
        yield desk.deed("review", "Accept the review", "Mark the incident as reviewed")
    kinds = tuple((one, one) for one in GAPS)
    yield desk.deed(
        "add_action", "Add an action", "Give somebody something to do later",
        Ask(name="text", label="What is to be done", kind="area"), Ask(name="owner", label="Owner"),
        Ask(name="kind", label="Kind", kind="choice", options=kinds), Ask(name="due", label="By when", needed=False),
    )  # fmt: skip


def _problem(view: IncidentView, report: ReportOf | None, desk: Desk) -> Iterator[Deed]:
    if report is not None and view.response.problem is None:
        yield desk.deed(
            "open_problem", "Open a problem record", "Record the problem behind it",
            Ask(name="text", label="What the problem is", needed=False), Ask(name="owner", label="Owner", needed=False),
        )  # fmt: skip


def _done(one: ActionItem, desk: Desk) -> list[Deed]:
    if one.done_at is not None:
        return []
    hidden = {"action": one.id, "version": one.version}
    return [desk.deed("close_action", "Done", f"{one.id}: {one.text}", key=one.id, hidden=hidden)]
