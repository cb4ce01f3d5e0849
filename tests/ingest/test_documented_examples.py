"""The examples that operators copy from docs/formats.md are good input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.decoders import DECODERS, decode

TEXT = (Path(__file__).parent.parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
FORMATS = {"/api/v2/alerts": "alertmanager-v2", "/v1/logs": "otlp-logs-json", "/api/v1/signals": "json"}


def examples() -> list[tuple[str, str]]:
    """(path, body) of each curl command."""
    curl = r"curl -s http://127\.0\.0\.1:8666(\S+) [^\n]*?(?:-d '(.*?)'\n|<<'END'\n(.*?)\nEND)"
    return [(path, quoted or lines) for path, quoted, lines in re.findall(curl, TEXT, re.DOTALL)]


def test_every_path_has_its_example() -> None:
    assert {path for path, _ in examples()} == FORMATS.keys()


@pytest.mark.parametrize(("path", "body"), examples())
def test_an_example_decodes_without_a_reject(path: str, body: str) -> None:
    decoded = decode(FORMATS[path], body.encode())
    assert decoded.rejects == ()
    assert decoded.signals


def test_every_format_is_documented() -> None:
    assert all(f"`{name}`" in TEXT for name in DECODERS if name != "oversized")
