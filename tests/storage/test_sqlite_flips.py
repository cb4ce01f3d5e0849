"""One byte of the files is another one: the engine refuses, recovers, or reads what was written, and nothing else."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import verify
from engine.errors import EngineError, StoreCorrupt
from engine.ports import Page
from engine.resume import Machine, revive
from engine.storage.codec import pack, unpack
from engine.storage.sqlite import SqliteStore
from engine.storage.sqlite.backup import backup, verified
from engine.writer import SnapshotRhythm
from tests.service import toy
from tests.service.world import World, decode
from tests.storage.outside import integrity

FLIPS = 50
ALL = 500


def content(path: Path) -> tuple[object, ...]:
    """All that can be read, and derived again. Raises EngineError when the file is found to be damaged."""
    store = SqliteStore(path, {"log": {"engineers"}})
    try:
        revived = revive(Machine(toy.ToyCore, None, decode, "1"), store)
        assert revived.differing == 0, "decisions differ"
        for head in store.heads():
            assert verify(store.chain(head.domain), head=head).broken_at is None, "the chain is broken"
        totals = store.totals()
        assert totals["unaccounted"] == 0, "the ledger does not balance"
        incidents = items(store.incidents(limit=ALL))
        return (
            [(one.position, one.arrival, one.body) for one in store.entries(0)],
            [(one.position, one.at, one.payload) for one in store.decisions(-1)],
            totals,
            incidents,
            items(store.alerts(limit=ALL)),
            items(store.outbox(limit=ALL)),
            [store.timeline(str(one.id)) for one in incidents],  # type: ignore[attr-defined]
            dict(revived.cursor.positions),
        )
    finally:
        store.close()


def items(page: Page) -> list[object]:
    return list(page.items)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[object, ...]]]:
    """The files of a running engine, and what could be read after each of its commits."""
    folder = tmp_path_factory.mktemp("flips")
    world = World(folder / "db")
    world.settings = type(world.settings)(snapshots=SnapshotRhythm(entries=9), alive_every=1 << 40)
    world.restart()
    states = []
    for n in range(24):
        world.take(f"t{n % 7} extra{n} {'long-' * 40}{n}")
        if n % 5 == 0:
            world.pass_time(toy.SETTLE)
        copied = copy(folder, folder / f"after-{n}")
        states.append(content(copied))
    files = folder / "files"
    copy(folder, files)
    world.store.close()
    return files, states


def copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("db", "db-wal"):
        if (folder / name).exists():
            shutil.copy(folder / name, to / name)
    return to / "db"


def flipped(file: Path, dice: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    file.write_bytes(data)


def outcome(path: Path, states: list[tuple[object, ...]]) -> str:
    """Raises AssertionError when something else is read in silence."""
    try:
        found = content(path)
    except EngineError:
        return "refused"
    except AssertionError as error:
        if str(error).splitlines()[0] in ("decisions differ", "the chain is broken", "the ledger does not balance"):
            return "detected"
        raise
    if found == states[-1]:
        return "read"
    if integrity(path) != "ok":
        return "detected"
    assert found in states[-2:-1], "something else was read"
    return "recovered"


def test_a_flipped_byte_of_the_log_is_never_read_in_silence(
    tmp_path: Path, written: tuple[Path, list[tuple[object, ...]]]
) -> None:
    files, states = written
    outcomes: Counter[str] = Counter()
    for _ in range(FLIPS):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        folder = tmp_path / f"{seed}"
        path = copy(files, folder)
        flipped(folder / "db-wal", random.Random(seed))
        outcomes[outcome(path, states)] += 1
        shutil.rmtree(folder)
    print(outcomes)
    assert outcomes["refused"] > 0


def test_a_flipped_byte_of_a_copy_is_found(tmp_path: Path, written: tuple[Path, list[tuple[object, ...]]]) -> None:
    copied = tmp_path / "copy.db"
    made = backup(copy(written[0], tmp_path / "files"), copied)
    assert made == verified(copied)
    assert made.position == 24
    whole = copied.read_bytes()
    for _ in range(FLIPS):
        flipped(copied, random.Random())
        with pytest.raises(StoreCorrupt, match="not the file that was written"):
            verified(copied)
        copied.write_bytes(whole)
    assert verified(copied) == made
    assert content(copied) == written[1][-1]


@given(st.binary(max_size=600), st.randoms())
def test_a_flipped_byte_of_a_packed_value_is_found(data: bytes, dice: random.Random) -> None:
    packed = bytearray(pack(data))
    packed[dice.randrange(1, len(packed))] ^= 1 << dice.randrange(8)
    with pytest.raises(StoreCorrupt):
        unpack(bytes(packed))


def copied_whole(files: Path, to: Path) -> Path:
    path = copy(files, to)
    SqliteStore(path, {"log": {"engineers"}}).close()  # the log goes into the file
    return to


def test_a_truncated_copy_is_refused(tmp_path: Path, written: tuple[Path, list[tuple[object, ...]]]) -> None:
    whole = copied_whole(written[0], tmp_path / "whole")
    size = (whole / "db").stat().st_size
    for left in (size // 3, size // 2, size - 4096, size - 1000):
        path = copy(whole, tmp_path / f"{left}")
        with path.open("r+b") as file:
            file.truncate(left)
        assert outcome(path, written[1]) in ("refused", "detected")


def test_a_log_that_lost_its_last_transaction_only_goes_on_and_one_that_lost_more_is_refused(
    tmp_path: Path, written: tuple[Path, list[tuple[object, ...]]], caplog: pytest.LogCaptureFixture
) -> None:
    size = (written[0] / "db-wal").stat().st_size
    torn, damaged = copy(written[0], tmp_path / "torn"), copy(written[0], tmp_path / "damaged")
    for path, at in ((torn, size - 100), (damaged, size // 2)):
        log = path.with_name("db-wal")
        data = bytearray(log.read_bytes())
        data[at] ^= 1
        log.write_bytes(data)
    assert outcome(torn, written[1]) == "recovered"
    assert "cut off" in caplog.text
    assert outcome(damaged, written[1]) == "refused"


def test_a_damaged_log_is_refused_again_and_again_until_somebody_removes_it(
    tmp_path: Path, written: tuple[Path, list[tuple[object, ...]]]
) -> None:
    path = copy(written[0], tmp_path / "damaged")
    log = path.with_name("db-wal")
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    for _ in range(3):
        with pytest.raises(StoreCorrupt, match="remove db-wal"):
            content(path)
        assert log.read_bytes() == data
    log.unlink()
    assert content(path) in written[1][:-1]


def test_a_log_that_has_begun_anew_and_holds_nothing_yet_is_whole(tmp_path: Path) -> None:
    """Killed between a log's new header and its first frame: all behind it is in the file long since."""
    path = tmp_path / "db"
    store = SqliteStore(path, {"log": {"engineers"}})
    log = path.with_name("db-wal")
    try:
        for n in range(40):
            store.alive(n)
        store._writer.execute("PRAGMA wal_checkpoint(FULL)")
        checkpointed, before = path.read_bytes(), log.read_bytes()
        store.alive(40)  # the log begins anew
        header = log.read_bytes()[:32]
    finally:
        store.close()
    assert header[16:24] != before[16:24]
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "db").write_bytes(checkpointed)
    (killed / "db-wal").write_bytes(header + before[32:])
    store = SqliteStore(killed / "db", {"log": {"engineers"}})
    try:
        assert store.resume().alive == 39
    finally:
        store.close()
