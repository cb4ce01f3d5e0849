"""The disk is full, in three ways, and has room again: refused, not harmed, and back by itself."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service import toy
from tests.service.world import World
from tests.storage.outside import integrity

ROUNDS = 3
Toggle = Callable[[World], None]


def pages(world: World) -> None:
    (count,) = world.store._writer.execute("PRAGMA page_count").fetchone()
    world.store._writer.execute(f"PRAGMA max_page_count = {count + 3}")


def more_pages(world: World) -> None:
    world.store._writer.execute("PRAGMA max_page_count = 1073741823")


def file_size(world: World) -> None:
    """No file of this process may grow beyond what the log is now, and a little."""
    log = world.path.with_name(f"{world.path.name}-wal")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 30_000, hard))


def more_file_size(world: World) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def device(world: World) -> None:
    """Another program takes all the room."""
    with world.path.with_name("other").open("wb", buffering=0) as other:
        try:
            while True:
                other.write(bytes(4096))
        except OSError:
            return


def free_device(world: World) -> None:
    world.path.with_name("other").unlink()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 16 MiB in memory."""
    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own can be mounted only by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)
    folder.rmdir()


def fill_and_free(path: Path, fill: Toggle, free: Toggle) -> None:
    """What was acknowledged before, in between and after is in the log, once for each yes; nothing else decided."""
    world, dice = World(path), random.Random(7)
    number = 0

    def send(size: int) -> bool:
        nonlocal number
        number += 1
        world.source.push(f"t{number} ".ljust(size, "y"))
        before = len(world.source.durable), len(world.source.refused)
        for _ in range(200):
            world.service.step(0.01)
            if (len(world.source.durable), len(world.source.refused)) != before:
                break
        return len(world.source.durable) > before[0]

    try:
        for _ in range(ROUNDS):
            for _ in range(dice.randint(1, 5)):
                assert send(100)
            fill(world)
            try:
                answers = [send(20_000) for _ in range(12)]
                assert not all(answers)
                assert not send(60_000)
                assert world.service.health().ready or "full" in world.service.health().reason
            finally:
                free(world)
            assert any(send(1_000) for _ in range(20))
            assert send(100)
            assert world.service.health().ready
            assert integrity(path) == "ok"
        world.pass_time(toy.SETTLE)
        stored = [entry.body for entry in world.store.entries(0)]
        assert stored == [record.body for record in world.source.durable]
        assert world.store.totals()["unaccounted"] == 0
        world.restart()
        assert world.revived.differing == 0
    finally:
        world.store.close()


@pytest.mark.parametrize(("fill", "free"), [(pages, more_pages), (file_size, more_file_size)])
def test_a_full_disk_is_refused_and_left_by_itself(tmp_path: Path, fill: Toggle, free: Toggle) -> None:
    fill_and_free(tmp_path / "db", fill, free)


def test_a_full_file_system_is_refused_and_left_by_itself(small_disk: Path) -> None:
    fill_and_free(small_disk / "db", device, free_device)
