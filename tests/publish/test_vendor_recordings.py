"""What is sent to each vendor is what was recorded, byte for byte, and the recorded answers are understood."""

from __future__ import annotations

import pytest

from tests.publish.vendors.recorded import FOLDER, RECORDINGS, lines


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_exchanges_are_those_that_were_recorded(name: str) -> None:
    assert lines(RECORDINGS[name]()) == (FOLDER / f"{name}.jsonl").read_text().splitlines()


def test_no_recording_holds_a_secret_in_a_target_and_none_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(RECORDINGS)
    for path in FOLDER.glob("*.jsonl"):
        assert "now-secret" not in path.read_text()
        assert "jira-token" not in path.read_text()
