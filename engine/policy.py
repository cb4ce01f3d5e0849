"""Every action there is, the least rank that it needs, and what a command must bring. Pure.

A responder may do what a viewer may, an operator what a responder may, an admin everything. What is not in the table
is not permitted to anyone (default deny). `api.auth.policy` says which ranks people and programs have.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import msgspec

from engine.signals import Command


class Role(IntEnum):
    """Ranks, least first."""

    VIEWER = 1
    RESPONDER = 2
    OPERATOR = 3
    ADMIN = 4


class Action(msgspec.Struct, frozen=True):
    """What an action needs: the least role, whether a reason must be given, and the names of its required facts."""

    role: Role
    summary: str
    reason: bool = False
    facts: tuple[str, ...] = ()
    command: bool = True  # enters the input log as a `Command`; else only guarded
    route: str = ""  # what enters the log only by way of this route, which does more than that


def _guarded(role: Role, summary: str, *, reason: bool = False) -> Action:
    return Action(role, summary, reason=reason, command=False)


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "enter": _guarded(Role.VIEWER, "be told who one is, and what programs ask of an Alertmanager"),
        "read": _guarded(Role.VIEWER, "read incidents, alerts, the topology, versions and the live stream"),
        "impact": _guarded(Role.VIEWER, "ask what would happen if an entity failed"),
        "command": _guarded(Role.RESPONDER, "give commands, each of which has its own line here"),
        "probe": _guarded(Role.RESPONDER, "run a probe or a data check now"),
        "rehearse": _guarded(Role.OPERATOR, "run saved scenarios"),
        "raw_input": _guarded(Role.OPERATOR, "read input that could not be used, as it was sent"),
        "governance": _guarded(Role.OPERATOR, "read the report of a period for governance"),
        "trail": _guarded(Role.ADMIN, "read the record of what people did and were denied"),
        "export": _guarded(Role.OPERATOR, "take a copy of the record of decisions"),
        "ingest": _guarded(Role.OPERATOR, "send alerts, samples, logs, spans, changes and heartbeats"),
        "acknowledge": Action(Role.RESPONDER, "say that somebody is on the incident"),
        "note": Action(Role.RESPONDER, "write a line into the timeline of an incident", facts=("text",)),
        "update": Action(Role.RESPONDER, "tell stakeholders how it stands", facts=("text",)),
        "assign": Action(Role.RESPONDER, "give the incident to a person or team", facts=("assignee",)),
        "declare": Action(Role.RESPONDER, "declare a suspected incident"),
        "restore": Action(Role.RESPONDER, "say that restoration has begun"),
        "override_severity": Action(Role.OPERATOR, "set the severity by hand", reason=True, facts=("level",)),
        "withdraw_override": Action(Role.OPERATOR, "let the computed severity hold again", reason=True),
        "merge": Action(Role.OPERATOR, "make two incidents one", reason=True, facts=("into",)),
        "split": Action(Role.OPERATOR, "move alerts into an incident of their own", reason=True, facts=("alerts",)),
        "false_alarm": Action(Role.OPERATOR, "close an incident that never was one", reason=True),
        "accept": Action(
            Role.OPERATOR, "answer for an entity that has no baseline, so that the rest is proof", True, ("entity",)
        ),
        "close": Action(Role.OPERATOR, "close an incident", reason=True),
        "reopen": Action(Role.RESPONDER, "open a closed incident again", reason=True),
        "review": Action(Role.OPERATOR, "mark a resolved incident as reviewed"),
        "judge_alert": Action(Role.OPERATOR, "say whether an alert was real", reason=True, facts=("verdict",)),
        "judge_incident": Action(
            Role.OPERATOR, "say whether the alerts of an incident were real", reason=True, facts=("verdict",)
        ),
        "mark": Action(Role.OPERATOR, "set a mark of a regime: aware, classified, submitted", facts=("regime", "mark")),
        "withdraw_mark": Action(Role.OPERATOR, "take back a mark of a regime", reason=True, facts=("regime", "mark")),
        "give_fact": Action(
            Role.OPERATOR, "say what a fact of a regime is", reason=True, facts=("regime", "fact", "value")
        ),
        "dismiss_clock": Action(Role.OPERATOR, "end a clock without its mark", reason=True, facts=("regime", "clock")),
        "activate_playbook": Action(Role.OPERATOR, "choose the playbook to work by", reason=True, facts=("playbook",)),
        "abandon_playbook": Action(Role.OPERATOR, "give up the playbook under way", reason=True),
        "start_task": Action(Role.OPERATOR, "begin a step of the playbook", facts=("task",)),
        "run_task": Action(
            Role.OPERATOR,
            "let an automated step of the playbook be carried out",
            facts=("task", "run"),
            route="/api/v1/incidents/{id}/steps/{task}/run",
        ),
        "dry_run": Action(
            Role.OPERATOR,
            "see what an automated step would do",
            facts=("task", "detail"),
            route="/api/v1/incidents/{id}/steps/{task}/dry-run",
        ),
        "step_ended": Action(
            Role.ADMIN,
            "say what came of an automated step; nobody but Headwater itself does",
            facts=("run", "outcome"),
            route="nobody",
        ),
        "export_bundle": Action(
            Role.OPERATOR,
            "take a sealed copy of everything known of an incident",
            reason=True,
            facts=("seal",),
            route="/api/v1/incidents/{id}/bundles",
        ),
        "propose_playbook": Action(
            Role.OPERATOR,
            "propose a change of a playbook by what was really done",
            facts=("playbook", "commit"),
            route="/api/v1/incidents/{id}/proposals/{playbook}",
        ),
        "finish_task": Action(Role.OPERATOR, "say that a step is done", facts=("task",)),
        "fail_task": Action(Role.OPERATOR, "say that a step did not work", reason=True, facts=("task",)),
        "skip_task": Action(Role.OPERATOR, "leave a step out", reason=True, facts=("task",)),
        "retry_task": Action(Role.OPERATOR, "do a failed or skipped step after all", facts=("task",)),
        "decide": Action(Role.OPERATOR, "settle a decision of the playbook", reason=True, facts=("task", "option")),
        "check_gates": Action(Role.OPERATOR, "look at the gates of the playbook now"),
        "attest_gate": Action(Role.OPERATOR, "attest what no check can tell", facts=("gate", "evidence")),
        "override_gate": Action(
            Role.OPERATOR, "take on a change outside its window as an emergency", reason=True, facts=("gate",)
        ),
        "note_deviation": Action(Role.OPERATOR, "say what was done otherwise than written", facts=("text",)),
        "register_measure": Action(Role.OPERATOR, "register a temporary measure", facts=("kind", "text")),
        "revert_measure": Action(Role.OPERATOR, "say that a temporary measure is undone", facts=("measure",)),
        "accept_measure": Action(Role.OPERATOR, "let a measure stay", reason=True, facts=("measure",)),
        "request_grant": Action(
            Role.OPERATOR, "ask for access to a system", reason=True, facts=("person", "system", "minutes")
        ),
        "approve_grant": Action(Role.OPERATOR, "allow access that somebody else asked for", facts=("grant",)),
        "refuse_grant": Action(Role.OPERATOR, "refuse access", reason=True, facts=("grant",)),
        "revoke_grant": Action(Role.OPERATOR, "take access back", facts=("grant",)),
        "call_vendor": Action(Role.OPERATOR, "call a vendor for help", facts=("vendor", "text")),
        "vendor_answered": Action(Role.OPERATOR, "say what a vendor answered", facts=("call", "text")),
        "confirm_assessor": Action(Role.OPERATOR, "say, as the assessor, that you have access"),
        "take_assessment": Action(Role.OPERATOR, "judge the impact instead of who was assigned"),
        "brief": Action(Role.OPERATOR, "brief the teams", facts=("text",)),
        "hand_over": Action(Role.OPERATOR, "offer the rest to a person", facts=("to", "text")),
        "accept_handover": Action(Role.OPERATOR, "take over what was offered to you"),
        "hold_review": Action(Role.OPERATOR, "record the review", facts=("technical", "business", "findings")),
        "add_action": Action(Role.OPERATOR, "give somebody something to do later", facts=("text", "owner")),
        "close_action": Action(Role.OPERATOR, "say that an action is done", facts=("action",)),
        "open_problem": Action(Role.OPERATOR, "open a problem record for a cause that comes back", reason=True),
        "propose_change": Action(
            Role.OPERATOR, "say what the catalogue should say", reason=True, facts=("entity", "field", "value")
        ),
        "accept_change": Action(Role.OPERATOR, "accept a proposed change of the catalogue", facts=("change",)),
        "refuse_change": Action(
            Role.OPERATOR, "refuse a proposed change of the catalogue", reason=True, facts=("change",)
        ),
        "reconcile": Action(Role.OPERATOR, "look which silences and changed rules are left"),
        "sign_order": Action(
            Role.OPERATOR, "settle whom a shared provider is restored for first", reason=True, facts=("order",)
        ),
        "record_exercise": Action(Role.OPERATOR, "record an exercise of the calendar", facts=("passed",)),
        "record_restore_test": Action(
            Role.OPERATOR, "record that a backup was restored in a test", facts=("seconds", "integrity")
        ),
        "confirm_contact": Action(Role.OPERATOR, "say whether a vendor can be reached", facts=("reached",)),
        "review_contract": Action(
            Role.OPERATOR, "record the review of a contract", facts=("capacity", "separation", "access")
        ),
        "silence": Action(Role.OPERATOR, "silence matching alerts until a time", reason=True, facts=("until",)),
        "unsilence": Action(Role.OPERATOR, "end a silence", reason=True),
        "redrive": _guarded(Role.OPERATOR, "decode a dead letter again, or publish a dead publication again"),
        "test_sink": _guarded(Role.OPERATOR, "send a test to a receiver of publications"),
        "drop": _guarded(Role.OPERATOR, "give up a dead letter", reason=True),
        "promote_rule": Action(Role.ADMIN, "let a suppression rule act, not only watch", reason=True, facts=("mode",)),
        "activate_model": Action(Role.ADMIN, "weigh evidence by a learned model, or by the prior again", reason=True),
        "fetch_playbooks": _guarded(Role.OPERATOR, "look for newer playbooks in their repository"),
        "reload": _guarded(Role.ADMIN, "read the catalogue and the rules again"),
        "access": _guarded(Role.ADMIN, "make, list and revoke keys, users and sessions"),
        "erase": _guarded(Role.ADMIN, "erase the payload of recorded decisions", reason=True),
    }
)
"""Every action there is."""


def problems(command: Command) -> list[tuple[str, str]]:
    """Everything that is wrong with a command, as (JSON pointer, what); empty when it is complete."""
    known = ACTIONS.get(command.action)
    if known is None or not known.command:
        names = ", ".join(name for name, action in ACTIONS.items() if action.command)
        return [("/action", f"unknown action {command.action!r}; one of {names}")]
    found = [] if command.target else [("/target", "missing")]
    if known.reason and not command.reason.strip():
        found.append(("/reason", f"{command.action} needs a reason"))
    found += [(f"/facts/{name}", "missing") for name in known.facts if not command.facts.get(name, "").strip()]
    return found
