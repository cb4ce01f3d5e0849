"""What is kept of log records: the same in any order, bounded, and without loss where it fits."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evidence.logs import drain, store
from engine.evidence.logs.counts import KEPT, MINUTE, Counts
from engine.evidence.logs.drain import MOST_CHILDREN, MOST_TEMPLATES, Drain
from engine.evidence.logs.store import Logs, common, templates

DATA = Path(__file__).parents[1] / "data" / "logs"
Row = tuple[int, str, str, str]


def _real(name: str) -> list[Row]:
    rows = map(json.loads, (DATA / name / "records.jsonl").read_text().splitlines())
    return [(round(row["t"] * 1000), row["service"], row["level"], row["message"]) for row in rows]


def _kept(rows: list[Row]) -> Logs:
    logs = Logs()
    for at, entity, level, message in rows:
        logs.add(entity, at, level, message)
    return logs


def _evidence(logs: Logs) -> object:
    """All that terms are made of."""
    return {
        name: (
            of.first,
            of.lost,
            [list(of.lines.minutes), list(of.lines.counts)],
            {said: (list(c.minutes), list(c.counts)) for said, c in of.classes.items()},
            {n: (g.said, g.text, g.first, list(g.counts.minutes), list(g.counts.counts)) for n, g in of.groups.items()},
        )
        for name, of in logs.entities.items()
    }


@pytest.mark.parametrize("name", ["nezha", "rootcausebench"])
def test_real_records_in_any_order_leave_the_same_evidence(name: str) -> None:
    rows = _real(name)
    usual = _evidence(_kept(rows))
    for seed in range(5):
        assert _evidence(_kept(random.Random(seed).sample(rows, len(rows)))) == usual


WORDS = st.sampled_from(["disk", "full", "user", "failed", "10.0.0.1", "bob", "4711", "error", "<*>", "<...>", "x=1"])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 5000 * MINUTE),
        st.sampled_from("ab"),
        st.sampled_from(["", "info", "error", "warning"]),
        st.lists(WORDS, max_size=12).map(" ".join),
    ),
    max_size=60,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_any_records_within_what_is_kept_leave_the_same_evidence_in_any_order(
    rows: list[Row], rng: random.Random
) -> None:
    rows = [(at % (KEPT * MINUTE), entity, level, text) for at, entity, level, text in rows]
    assert _evidence(_kept(rng.sample(rows, len(rows)))) == _evidence(_kept(rows))


LINES = st.lists(st.sampled_from(["a", "b", "<*>", "<...>", "c"]), min_size=1, max_size=6).map(" ".join)


@given(LINES, LINES, LINES)
def test_what_lines_have_in_common_does_not_depend_on_their_order(a: str, b: str, c: str) -> None:
    assert common(a, b) == common(b, a)
    assert common(common(a, b), c) == common(a, common(b, c))
    assert common(common(a, b), b) == common(a, b)


@given(st.lists(st.integers(0, 400), max_size=80), st.randoms(use_true_random=False))
def test_counts_are_those_of_the_minutes_kept(minutes: list[int], rng: random.Random) -> None:
    counts, shuffled = Counts(), Counts()
    for minute in minutes:
        counts.add(minute)
    for minute in rng.sample(minutes, len(minutes)):
        shuffled.add(minute)
    kept = [m for m in minutes if m >= max(minutes) - KEPT]
    assert counts == shuffled
    assert counts.total == len(kept)
    assert counts.between(100, 200) == sum(100 <= m <= 200 for m in kept)
    assert all(counts.at(m) == kept.count(m) for m in set(minutes))


def test_state_is_plain_data_and_goes_through_json() -> None:
    logs = _kept(_real("rootcausebench"))
    for of_entity in logs.entities.values():
        assert msgspec.json.decode(msgspec.json.encode(of_entity.drain), type=Drain) == of_entity.drain


def test_templates_of_a_real_incident_are_what_a_person_would_write() -> None:
    logs = _kept(_real("rootcausebench"))
    rows = {text: sum(g.counts.total for g in groups) for text, groups in templates(logs.entities["inventoryservice"])}
    assert rows == {
        "pgx pool: context deadline exceeded acquiring connection (pool exhausted)": 36,
        "reservation committed": 20,
        "pgx pool: waited <dur> to acquire connection": 8,
    }


def test_lines_that_differ_in_a_word_share_a_template_and_unlike_ones_do_not() -> None:
    tree = Drain()
    one = tree.add(["user", "bob", "logged", "in", "from", "<ip>"])
    assert tree.add(["user", "bob", "logged", "out", "from", "<ip>"]) == one
    other = tree.add(["user", "bob", "deleted", "everything", "we", "had"])
    assert other != one
    assert tree.templates[one].text == "user bob logged <*> from <ip>"
    assert tree.add(["user", "bob", "logged", "on", "from", "<ip>"]) == one


def test_a_first_token_of_many_values_becomes_a_wildcard() -> None:
    tree = Drain()
    names = ["".join(chr(97 + int(d)) for d in str(n)) for n in range(200)]
    ids = [tree.add([name, "has", "logged", "in", "again"]) for name in names]
    assert len(set(ids)) <= MOST_CHILDREN + 1
    assert tree.templates[ids[-1]].text == "<*> has logged in again"


def test_the_template_that_was_used_longest_ago_goes_and_its_path_with_it() -> None:
    tree = Drain()
    for number in range(5 * MOST_TEMPLATES):
        tree.add(["keep", "me"])
        tree.add([f"{chr(97 + number % 26)}{chr(97 + number // 26)}"] * (3 + number % 7))
    assert len(tree.templates) == MOST_TEMPLATES
    assert "keep me" in {template.text for template in tree.templates.values()}
    assert sum(map(len, tree.leaves.values())) == MOST_TEMPLATES
    assert {template.leaf for template in tree.templates.values()} == set(tree.leaves)
    assert sum(map(len, tree.children.values())) <= 3 * MOST_TEMPLATES


def _word(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def test_a_flood_of_unlike_lines_is_bounded_and_loses_no_count_of_its_entity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_GROUPS", 600)
    logs = Logs()
    for number in range(20_000):
        entity = f"e{number % 4}"
        logs.add(entity, number * 10, "info", f"{_word(number)} happened to {_word(number * 7)}")
        logs.add(entity, number * 10, "error", "disk full")
    assert logs.groups == sum(len(of.groups) for of in logs.entities.values()) <= 600
    assert logs.given_up == 20_000 + 4 - logs.groups
    assert sum(of.lines.total for of in logs.entities.values()) == logs.seen == 40_000
    assert all(of.of("failed").total == 5_000 and of.lost == 0 for of in logs.entities.values())
    assert all(len(of.groups) <= store.GROUPS_PER_ENTITY for of in logs.entities.values())
    assert all(len(of.drain.templates) <= drain.MOST_TEMPLATES for of in logs.entities.values())


def test_a_flood_of_unlike_failures_is_remembered_as_forgotten() -> None:
    logs = Logs()
    for number in range(store.GROUPS_PER_ENTITY + 1):
        logs.add("cart", 7 * MINUTE, "error", f"{_word(number)} is wrong")
    assert logs.entities["cart"].lost == 7


def test_records_too_long_and_too_old_are_counted() -> None:
    logs = Logs()
    logs.add("cart", 1000 * MINUTE, "info", "x" * 10_000)
    logs.add("cart", 0, "error", "ages ago")
    logs.add("cart", -5, "error", "before the beginning")
    assert (logs.seen, logs.cut, logs.ignored) == (3, 1, 2)
    assert list(logs.entities["cart"].lines.minutes) == [1000]
