"""Sequences of everything that may happen, against two oracles; `make simulate` tries two thousand of fifty steps."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.ports import Decoded, Record
from engine.service import Service
from tests.simulate.model import Engine


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_sequence_breaks_a_promise() -> None:
    found = settings(
        max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Engine, settings=found)


def test_the_model_notices_a_record_that_is_stored_and_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Service._decide

    def careless(self: Service, records: list[Record]) -> object:
        for record in records:
            if len(record.body) % 7 == 0:
                record.decoded = Decoded(())
        return decide(self, records)

    monkeypatch.setattr(Service, "_decide", careless)
    found = settings(
        max_examples=30, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.generate],
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Engine, settings=found)


def test_a_call_that_became_due_during_downtimes_is_decided_alike_by_the_next_start() -> None:
    """Settling sets it for a moment that is over; it fires after what set it, not before."""
    engine = Engine()
    engine.files()
    engine.restored()
    engine.fires(name="Down", service="edge-api", severity="critical")
    for seconds in (16, 16, 120, 16, 150, 398, 262):
        engine.away(seconds=seconds)
        engine.restored()
        engine._send(msgspec.json.decode(engine.sent[0]))
    engine.fires(name="Slow", service="edge-api", severity="warning")
    engine.fires(name="Slow", service="mail-db", severity="warning")
    engine.away(seconds=476)
    engine.restored()
    engine.fires(name="Slow", service="edge-db", severity="critical")
    engine.away(seconds=457)
    engine.teardown()
