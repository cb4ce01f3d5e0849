"""Silences that people make in a real Alertmanager during an incident stand against its handover."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from api import bootstrap
from tests.continuity import played as stage
from tests.continuity.played import outage
from tests.real.components import Child, free_port

SETTINGS = """
alertmanagers:
  - {{name: am, url: "{url}", allow_private: true}}
"""
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@pytest.mark.real("alertmanager")
def test_a_silence_made_in_alertmanager_is_expired_before_the_handover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program
    (tmp_path / "am.yml").write_text(CONFIG)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program, f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'am'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    server = Child(command, f"{url}/-/ready", tmp_path / "am.log")
    monkeypatch.setattr(stage, "TOKENS", stage.TOKENS + SETTINGS.format(url=url))
    try:
        with outage(tmp_path / "headwater") as played:
            begins = datetime.fromtimestamp(bootstrap.now() / 1000, UTC) + timedelta(seconds=2)
            asked = {
                "matchers": [{"name": "service", "value": "orders-.+", "isRegex": True, "isEqual": True}],
                "startsAt": begins.isoformat(),
                "endsAt": (begins + timedelta(hours=9)).isoformat(),
                "createdBy": "bo",
                "comment": "too loud",
            }
            made = httpx.post(f"{url}/api/v2/silences", json=asked).json()["silenceID"]
            played.refused("early", "ada", "hand_over", to="cy", text="stable")
            assert f"silence {made} of alertmanager.am by bo" in played.answers["early"]["detail"]
            assert httpx.delete(f"{url}/api/v2/silence/{made}").status_code == 200
            played.do("ada", "hand_over", to="cy", text="stable")
            (measure,) = played.response()["measures"]
            assert (measure["source"], measure["key"], measure["state"]) == ("alertmanager.am", made, "reverted")
    finally:
        server.stop()
