"""Forensic bundles: what is in one, that it is sealed, that every export is on record, and that it is forgotten."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.restoring.bundles import DAY, Bundles
from api.restoring.sealing import Header, manifest_of, seal, verify
from tests.continuity.played import Played, outage, play

HEADER = Header(incident="INC-1", made_at=5, made_by="ada", reason="court", version="1")
FILES = {"a.json": b"{}", "b/c.txt": b"hello", "d.txt": b"you"}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with outage(tmp_path_factory.mktemp("bundles")) as one:
        play(one)
        yield one


def export(played: Played, who: str, reason: str = "for the regulator") -> httpx.Response:
    headers = {"authorization": f"Bearer {who}"}
    return played.served.client.post(f"/api/v1/incidents/{played.id}/bundles", json={"reason": reason}, headers=headers)


def test_a_bundle_holds_evidence_configuration_command_history_decisions_and_messages(played: Played, tmp_path: Path):
    response = export(played, "ada")
    assert response.status_code == 200, response.text
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    rows = {name: [json.loads(line) for line in files[name].splitlines()] for name in files if name.endswith("l")}
    assert json.loads(files["incident.json"])["id"] == played.id
    assert [one["name"] for one in rows["alerts.jsonl"]] == ["DbDown"]
    assert rows["dispositions.jsonl"][0]["history"]
    assert any("decided by ada: failover" in one["text"] for one in rows["decisions.jsonl"])
    assert any("Promote the replica" in one["text"] for one in rows["commands.jsonl"])
    assert {one["kind"] for one in rows["timeline.jsonl"]} >= {"briefing", "grant", "vendor", "handover"}
    configurations = [json.loads(content) for name, content in files.items() if name.startswith("configuration/rules-")]
    assert any(book["id"] == "orders-db-lost" for one in configurations for book in one["continuity"]["playbooks"])
    assert any(name.startswith("configuration/topology-") for name in files)
    chain = rows["record/chain-0.jsonl"]
    assert [one["seq"] for one in chain] == list(range(chain[0]["seq"], chain[0]["seq"] + len(chain)))
    kept = tmp_path / "bundle.zip"
    kept.write_bytes(response.content)
    found = CliRunner().invoke(
        app, ["continuity", "bundle", "verify", str(kept), "--seal", response.headers["headwater-seal"]]
    )
    assert (found.exit_code, "is intact" in found.output) == (0, True), found.output


def test_every_export_is_itself_on_record_and_bundles_of_an_incident_are_chained(played: Played):
    first, second = export(played, "ada", "first"), export(played, "cy", "second")
    kept = played.get(f"incidents/{played.id}/bundles")["items"]
    assert [(one["made_by"], one["reason"]) for one in kept][-2:] == [("ada", "first"), ("cy", "second")]
    assert kept[-1]["previous"] == first.headers["headwater-seal"]
    told = [one for one in played.get(f"incidents/{played.id}/timeline")["items"] if one["kind"] == "bundle"]
    assert (told[-1]["actor"], told[-1]["facts"]["seal"]) == ("cy", second.headers["headwater-seal"])
    trail = played.served.client.get("/api/v1/access/trail", headers={"authorization": "Bearer root"}).json()["items"]
    assert any({"cy", "export_bundle"} <= set(map(str, one["event"].values())) for one in trail), trail[:3]


def test_a_viewer_takes_no_bundle_along(played: Played):
    assert export(played, "vic").status_code == 403
    assert export(played, "ada", "").status_code == 400


def tampered(change: str) -> bytes:
    content, _ = seal(HEADER, FILES)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            body = before.read(name)
            if change == "removed" and name == "d.txt":
                continue
            if change == "content" and name == "b/c.txt":
                body = b"hullo"
            if change == "header" and name == "manifest.json":
                body = body.replace(b'"ada"', b'"eve"')
            if change == "manifest" and name == "manifest.json":
                body = body.replace(b'"d.txt"', b'"e.txt"')
            after.writestr(name, body)
        if change == "added":
            after.writestr("extra.txt", b"!")
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("content", "b/c.txt was changed"),
        ("removed", "d.txt is missing"),
        ("added", "extra.txt was added"),
        ("header", "a.json does not link"),
        ("manifest", "e.txt does not link"),
    ],
)
def test_whatever_is_changed_in_a_bundle_is_named(change: str, said: str):
    _, faults = verify(io.BytesIO(tampered(change)))
    assert any(said in one for one in faults), faults


def test_a_bundle_made_anew_does_not_have_the_seal_that_was_kept():
    content, manifest = seal(HEADER, {**FILES, "a.json": b"[]"})
    assert verify(io.BytesIO(content)) == (manifest, [])
    _, faults = verify(io.BytesIO(content), seal(HEADER, FILES)[1].seal)
    assert len(faults) == 1
    assert seal(HEADER, FILES)[0] == seal(HEADER, FILES)[0]


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path):
    for content in (b"", b"PK\x03\x04 nonsense", seal(HEADER, FILES)[0][:200]):
        manifest, faults = verify(io.BytesIO(content))
        assert manifest is None
        assert faults[0].startswith("not a bundle")
    with pytest.raises(ValueError, match="not a bundle"):
        manifest_of(io.BytesIO(b""))
    broken = tmp_path / "b.zip"
    broken.write_bytes(tampered("content"))
    found = CliRunner().invoke(app, ["continuity", "bundle", "verify", str(broken)])
    assert (found.exit_code, "b/c.txt was changed" in found.output) == (1, True)


def test_bundles_are_forgotten_when_their_time_is_over_and_not_before(tmp_path: Path):
    now = [DAY]
    kept = Bundles(tmp_path, 2, lambda: now[0])
    made, path = kept.make("INC-../1", "ada", "why", FILES)
    assert path.parent.parent == tmp_path
    assert made.until == 3 * DAY
    now[0] = 3 * DAY - 1
    assert (kept.forget(), len(kept.listed("INC-../1"))) == (0, 1)
    now[0] = 3 * DAY
    assert (kept.forget(), kept.listed("INC-../1")) == (1, [])
