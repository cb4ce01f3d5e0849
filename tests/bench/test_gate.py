"""The regression gate fails when a piece of Headwater has become slower, says which and by how much, and only then."""

from __future__ import annotations

from functools import partial

from bench.gate import __main__ as gate
from bench.gate.judge import Limit, judge, keep, kept, table
from bench.gate.rounds import Ready, Work, measure
from bench.gate.works import WORKS, decode_new


class Meter:
    """A clock of CPU time that work moves by itself."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def spend(self, nanoseconds: int) -> None:
        self.now += nanoseconds


def costs(meter: Meter, *, ours: int, plain: int) -> Work:
    return Work("decide", 10, lambda: partial(meter.spend, ours), lambda: partial(meter.spend, plain))


def test_nothing_is_said_of_a_ratio_that_grew_within_its_tolerance():
    meter = Meter()
    found = measure([costs(meter, ours=2_400, plain=1_000)], 5, meter)
    assert found["decide"].ratio == 2.4
    assert found["decide"].micros == 0.24
    assert judge(found, {"decide": Limit(2.0, 0.25)}, ["decide"]) == {}


def test_a_ratio_that_grew_further_is_named_with_how_much():
    meter = Meter()
    found = measure([costs(meter, ours=3_000, plain=1_000)], 5, meter)
    limits = {"decide": Limit(2.0, 0.25)}
    wrong = judge(found, limits, ["decide"])
    assert wrong == {"decide": "grew by 50%, from 2 to 3 times the plain work; 25% is allowed"}
    assert "FAILED: decide: grew by 50%" in table(found, limits, wrong)


def test_a_machine_that_is_slower_for_both_changes_nothing():
    meter = Meter()
    found = measure([costs(meter, ours=20_000, plain=10_000)], 5, meter)
    assert judge(found, {"decide": Limit(2.0, 0.25)}, ["decide"]) == {}


def test_a_work_of_which_nothing_is_kept_or_measured_fails():
    assert judge({}, {"decide": Limit(2.0)}, ["decide", "store"]) == {
        "decide": "it was not measured",
        "store": "no ratio is kept for it: run with --keep",
    }


def test_keeping_leaves_tolerances_and_other_works_alone(tmp_path):
    meter, path = Meter(), tmp_path / "kept.json"
    keep(measure([costs(meter, ours=2_000, plain=1_000)], 3, meter), path)
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.5"))
    keep(measure([costs(meter, ours=3_000, plain=1_000)._replace(name="store")], 3, meter), path)
    keep(measure([costs(meter, ours=1_000, plain=1_000)], 3, meter), path)
    assert kept(path) == {"decide": Limit(1.0, 0.5), "store": Limit(3.0, 0.25)}


def test_every_work_is_kept_and_nothing_else():
    assert kept().keys() == WORKS.keys()


def test_a_decoder_that_works_three_times_as_much_fails_the_gate(monkeypatch, tmp_path, capsys):
    def thrice(folder) -> Work:
        work = decode_new(folder)

        def ready() -> Ready:
            once = work.ours()
            return lambda: [once() for _ in range(3)]

        return work._replace(ours=ready)

    name = "decode, new alerts"
    asked = ["--only", name, "--rounds", "3"]
    monkeypatch.setattr(gate, "kept", partial(kept, tmp_path / "kept.json"))
    monkeypatch.setattr(gate, "keep", partial(keep, path=tmp_path / "kept.json"))
    assert gate.main([*asked, "--keep"]) == 0
    monkeypatch.setitem(WORKS, name, thrice)
    assert gate.main(asked) == 1
    assert f"FAILED: {name}: grew by " in capsys.readouterr().out
