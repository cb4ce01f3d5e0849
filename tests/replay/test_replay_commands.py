"""A rehearsal: what people did stands in the stream beside the events, and the incident is told whole."""

from __future__ import annotations

import json
from pathlib import Path

from api import bootstrap
from api.commands.replay import explained
from api.replay import Replay
from api.replay_result import Collected
from tests.zygote import program
from topology.catalogue import load_catalogue
from topology.model import Topology

START = 1_790_000_000


def catalogue() -> Topology:
    found, problems = load_catalogue(
        [
            (
                "c.yaml",
                """
entities:
  - {id: shop, depends_on: [api, {on: bus, semantics: async, buffer: 30m}]}
  - {id: mails, depends_on: [{on: bus, semantics: async, buffer: 2h}]}
  - {id: api, depends_on: [{on: db-1, group: g}, {on: db-2, group: g}], groups: {g: {capacity: 2}}}
  - {id: db-1}
  - {id: db-2}
  - {id: bus, rto: 1h, restore: 5m, depends_on: [db-1]}
""",
            )
        ]
    )
    assert found is not None, problems
    return found


def event(after: int, kind: str, **said: object) -> bytes:
    return json.dumps({"t": START + after, "kind": kind, **said}).encode()


def alert(after: int, service: str, severity: str = "critical") -> bytes:
    return event(after, "alert", id=service, status="firing", name="Down", service=service, severity=severity)


def rehearsed(*lines: bytes) -> tuple[Collected, list[int], str]:
    collected, bad = Collected(), list[int]()
    replay = Replay(bootstrap.in_memory, bootstrap.decode, catalogue())
    replay.run("s", lines, lambda line, _: bad.append(line), collected=collected)
    return collected, bad, explained(collected)


def test_a_command_in_the_stream_is_obeyed_at_its_time_in_the_name_of_who_gave_it():
    collected, bad, told = rehearsed(
        alert(0, "db-1"),
        event(120, "command", actor="Ada", action="restore", target="INC-3"),
        event(130, "command", actor="Ada", action="assign", target="INC-3", facts={"assignee": "Grace"}),
        event(140, "command", actor="Ada", action="declare", target="INC-3"),
        event(150, "command", actor="Ada"),
    )
    main = collected.main()
    assert main is not None
    assert (bad, main.state, main.assigned) == ([5], "restoring", "Grace")
    assert main.restoring_at == (START + 120) * 1000
    assert [line.actor for line in collected.timeline if line.kind in ("restoring", "refused")] == ["Ada", "Ada"]
    assert "[Ada]" in told


def test_what_is_still_to_come_and_what_has_lost_its_margin_is_told_with_its_state():
    _, _, told = rehearsed(alert(0, "db-1"), event(60, "metric", service="db-2", metric="m", value=1))
    assert "  api: 50 %, by db-1 → api\n" in told
    assert "  bus: down, by db-1 → bus\n" in told
    assert "  mails: down after 120 min, by db-1 → bus → mails; held up by its queue bus until" in told
    assert "  shop: 50 %, by db-1 → api → shop; held up by the queue bus until" in told
    assert "may be missed, and will be unless restoration begins by" in told


def test_the_command_tells_the_incident_or_that_there_is_none(tmp_path: Path):
    stream = tmp_path / "s.jsonl"
    for lines, said in (([alert(0, "db-1")], "INC-2: db-1 in trouble"), ([], "No incident has been opened.")):
        stream.write_bytes(b"\n".join(lines))
        done = program.run("replay", stream, "--explain")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(said)
