"""`headwater replay`: the same bytes for every batch size, and an answer in the promised form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api import bootstrap
from api.replay import Replay
from api.replay_result import Result
from api.replay_stream import topology_of
from engine.reasons import Disposition, Verdict
from tests.zygote import program

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
START = 1_790_000_000.0


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return program.run("replay", *arguments, stdin=stdin)


def topology(*edges: tuple[str, str]) -> dict[str, object]:
    nodes = [{"id": name, "kind": "service"} for name in sorted({name for edge in edges for name in edge})]
    return {"t": START, "kind": "topology", "nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges]}


def alert(after: float, id: str, service: str, status: str = "firing", **more: object) -> dict[str, object]:
    sent = {"t": START + after, "kind": "alert", "id": id, "status": status, "name": "Down", "service": service}
    return {**sent, "severity": "critical", "fingerprint": f"f-{service}", **more}


def metric(after: float, service: str) -> dict[str, object]:
    return {"t": START + after, "kind": "metric", "service": service, "metric": "m", "value": 1.0}


def replayed(*events: dict[str, object] | bytes, **options: object) -> tuple[Result, list[int]]:
    """The result, and the numbers of bad lines."""
    bad: list[int] = []
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    replay = Replay(bootstrap.in_memory, bootstrap.decode, **options)  # type: ignore[arg-type]
    return replay.run("s", lines, lambda line, reason: bad.append(line)), bad


OUTAGE = (
    topology(("shop", "cart"), ("cart", "db")),
    alert(58, "a3", "db"),
    alert(60, "a1", "cart"),
    alert(61, "a2", "shop"),
    metric(200, "shop"),
)


@pytest.mark.parametrize("more", [(), ("--catalogue", str(DEMO / "catalogue")), ("--suppression", "shadow")])
def test_the_same_stream_gives_the_same_bytes_for_every_batch_size(tmp_path, more: tuple[str, ...]):
    outputs = set()
    for batch in ("1", "7", "1000"):
        done = run(str(DEMO / "outage.jsonl"), "--json", "--batch", batch, *more)
        assert (done.returncode, done.stderr) == (0, "")
        outputs.add(done.stdout)
    assert len(outputs) == 1
    out = tmp_path / "out.json"
    assert run(str(DEMO / "outage.jsonl"), "--json", "--out", str(out), *more).stdout == ""
    assert out.read_text(encoding="utf-8") in outputs


def test_the_shipped_outage_is_explained_by_the_entity_that_caused_it():
    done = run(str(DEMO / "outage.jsonl"), "--json", "--catalogue", str(DEMO / "catalogue"))
    result = json.loads(done.stdout)
    assert result["id"] == "outage"
    assert result["ranked"][0][0] == "inventoryservice"
    assert set(result["impact"]) >= {"cartservice", "frontend"}
    assert set(result["alerts"].values()) <= set(Verdict)
    assert set(result["dispositions"].values()) <= set(Disposition)
    assert set(result["alerts"]) == set(result["dispositions"]) == {f"a000000{i}" for i in range(1, 5)}
    assert result["totals"]["received"] == 4
    assert result["totals"]["unaccounted"] == 0
    assert result["severity"].startswith("SEV")
    assert any(line["kind"] == "opened" for line in result["timeline"])
    told = program.run_fresh("replay", DEMO / "outage.jsonl", "--catalogue", DEMO / "catalogue").stdout
    assert "inventoryservice" in told


def test_the_cause_is_ranked_and_the_impact_follows_the_dependencies():
    result, bad = replayed(*OUTAGE)
    assert bad == []
    assert result.ranked[0][0] == "db"
    assert result.impact == ["cart", "db", "shop"]
    assert [told.cause for told in result.incidents] == ["db"]
    assert set(result.dispositions) == {"a1", "a2", "a3"}


def test_each_alert_event_has_one_disposition_under_its_senders_id():
    end = alert(300, "a4", "db", status="resolved")
    result, _ = replayed(*OUTAGE, alert(90, "a5", "db"), end)
    assert set(result.dispositions) == {"a1", "a2", "a3", "a4", "a5"}
    assert result.dispositions["a4"] == "resolved"
    assert sum(count for name, count in result.totals.items() if name not in ("received", "unaccounted")) == 5


def test_the_answer_is_the_one_at_the_last_event_and_not_later():
    early, _ = replayed(*OUTAGE[:4])
    late, _ = replayed(*OUTAGE)
    assert not any(told.state == "declared" for told in early.incidents)
    assert [told.state for told in late.incidents] == ["declared"]


def test_entities_that_the_stream_does_not_name_are_left_out_of_the_impact(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "entities: [{id: portal, depends_on: [shop]}, {id: shop, depends_on: [db]}, {id: db}]"
    )
    lines = "\n".join(json.dumps(event) for event in (alert(0, "a", "db"), alert(1, "b", "shop"), metric(90, "db")))
    done = run("-", "--json", "--catalogue", str(tmp_path), stdin=lines.encode())
    result = json.loads(done.stdout)
    assert (result["id"], result["impact"]) == ("stream", ["db", "shop"])


def test_bad_lines_are_told_counted_and_cost_nothing_else():
    hostile = (b"{", b"[1]", b'{"kind":"alert"}', b'{"t":"x","kind":"metric"}', b'{"t":1e400,"kind":"log"}', b"\xff",
               b'{"t":5,"kind":"metric"}', b'{"t":1790000000,"kind":"nonsense"}', b"[" * 9999,
               b'{"t":1790000000,"kind":"topology","nodes":5}')  # fmt: skip
    result, bad = replayed(OUTAGE[0], *hostile, *OUTAGE[1:])
    assert bad == list(range(2, 2 + len(hostile)))
    assert result.skipped == len(hostile)
    assert result.ranked == replayed(*OUTAGE)[0].ranked


def test_the_position_of_a_bad_line_is_told_on_standard_error(tmp_path):
    stream = tmp_path / "s.jsonl"
    stream.write_text(json.dumps(OUTAGE[0]) + "\nnonsense\n", encoding="utf-8")
    done = run(str(stream), "--json")
    assert done.returncode == 0
    assert done.stderr.startswith(f"{stream}:2: left out: ")
    assert json.loads(done.stdout)["skipped"] == 1


def test_an_empty_stream_has_an_empty_answer():
    result, bad = replayed()
    assert (result.ranked, result.impact, result.incidents, bad) == ([], [], [], [])
    assert result.totals["received"] == 0


def test_of_several_incidents_the_answer_speaks_of_the_worst():
    stream = (
        topology(("shop", "cart"), ("mail", "smtp")),
        alert(0, "m1", "smtp", severity="warning"),
        alert(60, "a1", "cart"), alert(61, "a2", "shop"), metric(200, "shop"),
    )  # fmt: skip
    result, _ = replayed(*stream)
    assert len(result.incidents) == 2
    assert result.ranked[0][0] == "cart"
    assert result.severity == min(told.severity for told in result.incidents)


def test_unknown_kinds_are_services_and_ends_of_edges_need_no_node():
    line = {
        "nodes": [{"id": "a", "kind": "mystery"}],
        "edges": [{"source": "a", "target": "b"}, {"source": "a", "target": "a"}],
    }
    found, named = topology_of(json.dumps(line).encode())
    assert {entity.id: entity.kind.value for entity in found.content.entities} == {"a": "service", "b": "service"}
    assert [(d.consumer, d.provider) for d in found.content.dependencies] == [("a", "b")]
    assert named == {"a", "b"}


def test_a_replay_says_where_recovery_leans_and_states_nothing_without_an_incident():
    def ended(*latest: float) -> Result:
        values = [100.0 + 3 * (minute % 5) for minute in range(60)] + list(latest)
        told = [
            {**metric(60.0 * minute, "cart"), "metric": "latency", "value": value}
            for minute, value in enumerate(values)
        ]
        return replayed(topology(("shop", "cart")), *told)[0]

    degraded, restored = ended(*[400.0] * 4), ended(*[400.0] * 4, 100.0, 103.0, 106.0)
    assert (degraded.recovery, degraded.leaning) == ("inconclusive", "residual_degradation")
    assert (restored.recovery, restored.leaning) == ("inconclusive", "restored")
    assert (degraded.recovery_why, degraded.recovery_incident) == (("no_incident",), "")
    assert 0.5 < restored.leaning_probability <= 0.95
    assert replayed(*OUTAGE[:1])[0].recovery == "no_baseline"


def slow_cart(later: float, minutes: int, *, resolved: bool = True) -> Result:
    """An hour as usual, ten minutes slow with an alert, then so many minutes at the level ``later``."""
    levels = [100.0] * 60 + [400.0] * 10 + [later] * minutes
    told = [
        {**metric(60.0 * minute, "cart"), "metric": "latency", "value": level * (1 + 0.01 * (minute % 5))}
        for minute, level in enumerate(levels)
    ]
    told.append(alert(62 * 60.0, "a1", "cart", severity="critical"))
    if resolved:
        told.append(alert(70 * 60.0 + 1, "a2", "cart", status="resolved"))
    return replayed(topology(("cart", "db")), *sorted(told, key=lambda line: float(str(line["t"]))))[0]


@pytest.mark.parametrize(("later", "verdict"), [(100.0, "restored"), (150.0, "residual_degradation")])
def test_a_replay_states_what_a_live_engine_would_say_of_the_incident(later, verdict):
    told = slow_cart(later, 14)
    assert (told.recovery, told.recovery_entities["cart"]) == (verdict, verdict)
    assert told.recovery_incident.startswith("INC-")


def test_a_replay_states_nothing_too_early_nor_while_alerts_fire():
    early, firing = slow_cart(100.0, 4), slow_cart(100.0, 14, resolved=False)
    assert (early.recovery, early.recovery_why) == ("inconclusive", ("settling",))
    assert (firing.recovery, firing.recovery_why) == ("inconclusive", ("alerts_fire",))


def test_replay_imports_neither_the_server_nor_the_analysts_packages():
    probe = (
        "import sys\nfrom api import cli\n"
        f"try: cli.app(['replay', {str(DEMO / 'outage.jsonl')!r}])\nexcept SystemExit: pass\n"
        "print([m for m in ('fastapi', 'uvicorn', 'pandas', 'scipy', 'networkx', 'kafka') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
