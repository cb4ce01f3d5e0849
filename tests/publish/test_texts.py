"""Two audiences read the same revision; a stranger's text stays text."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.publish.texts import LINE, business, comment, plain, technical
from tests.publish.receiver import publication

OUTAGE: dict[str, Any] = {
    "title": "checkout is failing because db-1 is down",
    "state": "declared",
    "why": "db-1 explains 7 of 9 symptoms",
    "cause": "db-1",
    "onset": 1_700_000_000_000,
    "candidates": [{"entity": "db-1", "score": 0.91, "counterfactual": "were db-1 healthy, 2 of 9 would remain"}],
    "severity": {"level": "SEV1", "user_impact": "yes", "data_loss": "cannot_exclude", "regulatory": "no"},
    "impact": [
        {"entity": "pay", "name": "Payments", "kind": "business_service", "low": 0, "high": 0, "path": ["db-1", "pay"]},
        {"entity": "api", "name": "api", "kind": "service", "low": 400, "high": 600, "path": ["db-1", "api"]},
    ],
    "impact_total": 2,
    "users": [1000, 25000],
    "obligations": ["dora"],
    "alerts": 9,
    "firing": 9,
    "events": 31,
}


def test_engineers_read_the_cause_its_counterfactual_and_the_paths() -> None:
    text = technical(publication(**OUTAGE))
    assert text.title == "[SEV1] New incident: checkout is failing because db-1 is down"
    assert "Cause: db-1" in text.body
    assert "were db-1 healthy, 2 of 9 would remain" in text.body
    assert "- down: db-1 > pay" in text.body
    assert "- between 40 % and 60 %: db-1 > api" in text.body


def test_stakeholders_read_which_services_whom_since_when_and_what_is_not_known() -> None:
    text = business(publication(**OUTAGE))
    assert text.title == "[SEV1] New incident: Payments is down"
    assert text.body.splitlines() == [
        "New incident: Payments is down.",
        "Status: being worked on",
        "Since: 2023-11-14 22:13:20 UTC",
        "- Payments: down",
        "People affected: 1,000 to 25,000 (estimate)",
        "Obligations: dora",
        "Not known yet: whether data was lost",
        "Severity: SEV1",
        "Incident INC-1, revision 3",
    ]


def test_stakeholders_hear_when_they_hear_again_and_that_it_is_over() -> None:
    one = publication(**OUTAGE, next_update_at=1_700_000_900_000, status={"text": "we found\nit", "by": "ada", "at": 1})
    assert "The team says: we found it" in business(one).body
    assert "Next update: 2023-11-14 22:28:20 UTC" in business(one).body
    ended = {"state": "resolved", "resolved_at": 1_700_003_600_000, "next_update_at": 1_700_000_900_000}
    over = publication(action="resolve", **{**OUTAGE, **ended})
    text = business(over)
    assert text.title == "[SEV1] Resolved: Payments was affected"
    assert "Over since: 2023-11-14 23:13:20 UTC" in text.body
    assert "Next update" not in text.body
    assert "Not known yet" not in text.body


JARGON = ("db-1", "api", "pay:", "db_pool_wait", "p99", "candidate", "counterfactual", "%", " > ", "RTO", "alerts")


def test_stakeholders_read_no_jargon() -> None:
    text = business(publication(**OUTAGE))
    said = (text.title + text.body).lower()
    assert [word for word in JARGON if word.lower() in said] == []
    nothing = business(publication(**{**OUTAGE, "impact": OUTAGE["impact"][1:]}))
    assert "no business service is known to be affected" in nothing.body
    assert "api" not in nothing.body + nothing.title


def test_engineers_read_the_evidence_what_it_leaves_open_and_where_to_look() -> None:
    ranked = [{"entity": "db-1", "score": 0.9, "terms": {"own": 0.5, "change": 1.0, "excused": 0.9, "logs": 0.0},
               "path": ["db-1", "api", "pay"], "explained": 7, "unexplained": 2}]  # fmt: skip
    body = technical(publication(**{**OUTAGE, "candidates": ranked})).body
    assert "Evidence: changed just before 1.00, its own trouble 0.50" in body
    assert "Path: db-1 > api > pay" in body
    assert "Left unexplained: 2 of 9 troubled entities" in body
    assert "Look: headwater explain INC-1" in body


def test_stakeholders_read_of_broken_assumptions_and_engineers_of_those_at_stake_too() -> None:
    taken = {"entity": "payouts", "id": "scheme-answers", "on": "scheme", "text": "the scheme is\nback soon"}
    broken = "Assumption broken: scheme is not up, which payouts takes for granted (scheme-answers): the scheme is"
    for state in ("broken", "at_stake"):
        outage = publication(**OUTAGE, harm={"assumptions": [{**taken, "state": state}], "down": 2})
        assert ("No longer true: the scheme is back soon" in business(outage).body) == (state == "broken")
        assert broken.replace("broken", state.replace("_", " ")) in technical(outage).body


def test_what_is_new_is_the_news_or_else_the_reason() -> None:
    one = publication(**OUTAGE)
    one.body |= {"why": "the cause is known", "news": ["cause: db-1", "severity: SEV2 to SEV1\nSEV5"]}
    assert comment(one) == "cause: db-1\nseverity: SEV2 to SEV1 SEV5"
    one.body["news"] = []
    assert comment(one) == "the cause is known"


def test_both_texts_name_the_same_revision() -> None:
    one = publication(**OUTAGE)
    assert technical(one).body.splitlines()[-1] == business(one).body.splitlines()[-1] == "Incident INC-1, revision 3"


def test_a_cause_that_was_not_named_is_not_guessed() -> None:
    text = technical(publication(cause=None, abstained="two candidates score alike"))
    assert "Cause: not named, two candidates score alike" in text.body


def test_a_title_cannot_forge_a_line_or_colour_a_terminal() -> None:
    text = technical(publication(title="down\nSeverity: SEV5\x1b[2J\u202e{incident.severity}\u2028Obligations: none"))
    assert "\x1b" not in text.body + text.title
    assert "\u202e" not in text.body
    assert sum(line.startswith("Severity:") for line in text.body.splitlines()) == 1
    assert "{incident.severity}" in text.title


def test_a_row_that_another_version_wrote_can_still_be_told() -> None:
    one = publication()
    one.body = {"incident": {"id": "INC-1"}, "unknown": 1}
    assert "INC-1" in technical(one).body
    one.body = {}
    assert "Incident INC-1, revision 3" in business(one).body


@given(st.text(max_size=3000))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    line = plain(text)
    assert len(line) <= LINE
    assert len(line.splitlines()) <= 1
    assert all(char.isprintable() for char in line)
