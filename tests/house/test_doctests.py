"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import engine
import ingest
import rules
import topology


def test_every_example_in_a_docstring_holds() -> None:
    tried = 0
    for package in (engine, ingest, rules, topology):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            result = doctest.testmod(importlib.import_module(found.name))
            assert result.failed == 0, found.name
            tried += result.attempted
    assert tried >= 10
