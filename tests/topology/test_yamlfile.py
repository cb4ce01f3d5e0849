"""YAML from strangers: words stay words, and nothing multiplies, nests or hides."""

from __future__ import annotations

import time

import pytest

from topology.errors import Mistakes
from topology.yamlfile import MAX_BYTES, read


def told(text: str) -> list[str]:
    mistakes = Mistakes()
    read("a.yaml", text, mistakes)
    return [str(problem) for problem in mistakes.listed()] if mistakes else []


def data(text: str) -> object:
    mistakes = Mistakes()
    document = read("a.yaml", text, mistakes)
    assert document is not None
    assert not mistakes
    return document.data


def test_words_are_words_and_numbers_are_numbers() -> None:
    text = "on: no, a: yes, b: 2024-01-01, c: 1:30, d: 0x10, e: 0o17, f: 012, g: 1e3, h: true, i: ~, j: , k: '1', l: .5"
    assert data("{" + text + "}") == {
        "on": "no", "a": "yes", "b": "2024-01-01", "c": "1:30", "d": 16, "e": 15, "f": 12, "g": 1000.0, "h": True,
        "i": None, "j": None, "k": "1", "l": 0.5,
    }  # fmt: skip


def test_every_part_knows_its_line() -> None:
    document = read("a.yaml", "a:\n  b:\n    - 1\n    - c: 2\n", Mistakes())
    assert document is not None
    paths = [(), ("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1, "c"), ("a", "zz", 7)]
    lines = [document.line(path) for path in paths]
    assert lines == [1, 1, 2, 3, 4, 1]


def test_an_alias_stands_where_it_is_used() -> None:
    document = read("a.yaml", "a: &x\n  b: 1\nc: *x\n", Mistakes())
    assert document is not None
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.line(("c",)) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: the key 'a' is repeated; first in line 1"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "a.yaml:1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not supported",
        ),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: a second document; give it a file of its own"),
        ("a: &x\n  - *x\n", "a.yaml:2: the alias 'x' contains itself"),
        ("a: *nobody\n", "a.yaml:1: the alias 'nobody' is unknown"),
        ("? [a]\n: 1\n", "a.yaml:1: a key must be a plain word"),
        ("a: 1\n\tb: 2\n", "a.yaml:2: not YAML: found a tab character that violates indentation"),
        ("a: b: c\n", "a.yaml:1: not YAML: mapping values are not allowed in this context"),
        ("a: 1\nb: \x00\n", "a.yaml:2: not YAML: control characters are not allowed"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_with_its_line(text: str, message: str) -> None:
    assert told(text) == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ), "aliases stand for more than 100000 values"),
        ("[" * 100_000, "nested more than 50 levels deep"),
        ("{a: " * 100_000, "nested more than 50 levels deep"),
        ("a: " + "9" * 100_000, ""),
        ("x" * (MAX_BYTES + 1), "the file is larger than 50 MB"),
    ],
    ids=["aliases", "lists", "mappings", "digits", "size"],
)  # fmt: skip
def test_bombs_do_not_go_off(text: str, message: str) -> None:
    start = time.process_time()
    assert [line.partition(": ")[2] for line in told(text)] == ([message] if message else [])
    assert time.process_time() - start < 2
