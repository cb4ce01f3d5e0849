"""What was made of an incident's record and left the engine: forensic bundles, proposed changes of playbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.context import Context
from engine.continuity.keeping import incident_of, keep
from engine.signals import Command, Millis
from topology.model import UNMAPPED


def export_bundle(context: Context, command: Command, now: Millis) -> None:
    """A forensic bundle was sealed and handed out, also of an incident that is long over."""
    incident = context.state.incidents.get(command.target)
    domain = incident.domain if incident is not None else UNMAPPED
    text = f"Forensic bundle sealed for {command.actor} as {command.facts['seal']}: {command.reason}"
    facts = {"seal": command.facts["seal"], "files": command.facts.get("files", "")}
    context.tell(command.target, domain, now, "bundle", text, actor=command.actor, facts=facts)


def propose_playbook(context: Context, command: Command, now: Millis) -> None:
    """What was done otherwise became a proposed change of the playbook, for somebody else to review."""
    incident = incident_of(context, command, open_only=False)
    facts = command.facts
    where = f"on branch {facts['branch']}" if facts.get("pushed") == "yes" else "as a patch (the repository took none)"
    text = f"Change of playbook {facts['playbook']} proposed by {command.actor} {where}, commit {facts['commit'][:12]}"
    text += f": {command.reason}" if command.reason else ""
    told = {key: facts.get(key, "") for key in ("playbook", "branch", "commit", "pushed", "file")}
    keep(context, incident, now, "proposal", text, actor=command.actor, facts=told, quiet=True)


ARTEFACTS: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "export_bundle": export_bundle,
    "propose_playbook": propose_playbook,
}
