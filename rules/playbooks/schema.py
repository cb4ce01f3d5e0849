"""The JSON Schema of files in the folder ``playbooks``, for editors and for the names of known keys in messages."""

from __future__ import annotations

from functools import cache
from typing import Any

from rules.playbooks.form import PlaybooksFile
from rules.schema import DIALECT


@cache
def playbooks_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one file."""
    schema = PlaybooksFile.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "title": "Headwater playbooks", **{k: v for k, v in schema.items() if k != "title"}}
