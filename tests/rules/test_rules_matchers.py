"""Matchers mean what they mean in Alertmanager."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import Flaw
from rules.matchers import Matcher, matches_all, parse_matchers


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ('severity="page"', {"severity": "page"}, True),
        ('severity!="page"', {"severity": "page"}, False),
        ('severity=~"page|crit.*"', {"severity": "critical"}, True),
        ('severity=~"crit"', {"severity": "critical"}, False),
        ('severity!~"page|crit.*"', {"severity": "info"}, True),
        ('team=""', {}, True),
        ('team=~".+"', {}, False),
        ('team!="qa"', {}, True),
        ('note=~"a.b"', {"note": "a\nb"}, True),
        ("job=node, env=~lab.*", {"job": "node", "env": "lab1"}, True),
        ('{job="node", env="x,y"}', {"job": "node", "env": "x,y"}, True),
        (r'msg="a \"quoted\" word"', {"msg": 'a "quoted" word'}, True),
        ("", {"anything": "at all"}, True),
    ],
)
def test_matchers_accept_what_alertmanager_accepts(text: str, labels: dict[str, str], expected: bool) -> None:
    assert matches_all(parse_matchers(text), labels) is expected


@pytest.mark.parametrize("text", ["severity", "=x", 'a="b', 'a="b" c="d"', 'a="b",,', "a=b}", "x" * 3000])
def test_what_is_not_a_matcher_is_a_flaw(text: str) -> None:
    with pytest.raises(Flaw) as caught:
        parse_matchers(text)
    assert caught.value.check == "bad-matcher"


def test_a_bad_pattern_names_its_label() -> None:
    with pytest.raises(Flaw, match=r"^job: not a regular expression") as caught:
        parse_matchers('job=~"("')
    assert caught.value.check == "bad-regex"


def test_a_pattern_that_explodes_elsewhere_is_harmless_here() -> None:
    start = time.perf_counter()
    assert not Matcher("x", "=~", "(a+)+b").matches({"x": "a" * 100_000})
    assert time.perf_counter() - start < 1


@given(
    label=st.from_regex(r"[a-z_][a-z0-9_.]{0,10}", fullmatch=True),
    op=st.sampled_from(["=", "!="]),
    value=st.text(max_size=40),
)
def test_a_matcher_reads_back_what_it_prints(label: str, op: str, value: str) -> None:
    (read,) = parse_matchers(f'{label}{op}"x"')
    matcher = Matcher(label, read.op, value)
    assert parse_matchers(str(matcher)) == (matcher,)


@given(st.text(max_size=60))
def test_any_text_is_matchers_or_a_flaw(text: str) -> None:
    try:
        found = parse_matchers(text)
    except Flaw:
        return
    assert all(matcher.label for matcher in found)
