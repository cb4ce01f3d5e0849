"""The outage of docs/continuity.md: its headings are times, its blocks are commands, its pictures are screens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.api.live import Live, live
from tests.real.components import eventually
from tests.zygote.program import zygote

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "continuity.md"
TITLE = "## One outage, from the first alert to the accepted review\n"
DAY = "2026-03-17"
PIECE = re.compile(
    r"^### ([^\n]*)$|^```(\w+)\n(.*?)^```|^!\[[^]]*\]\(continuity/([a-z-]+)\.png\)", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d) ")
ADDRESS = "http://127.0.0.1:8666"
ASKS = re.compile(r"\bheadwater (?:command|explain|continuity \w+)")


class Step(msgspec.Struct, frozen=True):
    """``kind`` is time, sh, console or screen; ``text`` the moment, the commands, or the picture's name."""

    kind: str
    text: str


def section() -> str:
    """The last part of the page."""
    return TITLE + PAGE.read_text(encoding="utf-8").split(TITLE, 1)[1]


def steps(text: str) -> Iterator[Step]:
    """In their order; of a console block a step for each command, with what the page shows of its output."""
    for heading, language, block, picture in PIECE.findall(text):
        if heading:
            day, time = HEADING.match(heading).groups()  # type: ignore[union-attr]
            yield Step("time", f"{day or DAY}T{time}:00+00:00")
        elif picture:
            yield Step("screen", picture)
        elif language == "console":
            yield from (Step("console", one) for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
        else:
            yield Step(language, block)


class Company:
    """Brook Payments with Headwater running, its clock standing still until the page says what time it is."""

    def __init__(self, served: Live, now: list[int]) -> None:
        self.served, self._now = served, now
        self.keys: dict[str, str] = {}

    def at(self, moment: str) -> None:
        """It is this time: what was due by then has happened."""
        self._now[0] = round(datetime.fromisoformat(moment).timestamp() * 1000)
        beat = {"kind": "metric", "t": self._now[0] / 1000, "service": "clock", "metric": "ticks", "value": 1}
        headers = {"Authorization": f"Bearer {self.keys['FEED']}"} if self.keys else {}
        self.served.client.post("/api/v1/signals", json=beat, headers=headers).raise_for_status()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now[0] / 1000

    def prepare(self, commands: str) -> None:
        """Make the keys that the page makes."""
        names = re.findall(r"export (\w+)=", commands)
        said = self._bash(commands + "\n" + "\n".join(f'echo "${name}"' for name in names), quiet=False).split()
        self.keys = dict(zip(names, said, strict=True))
        self.served.client.headers["Authorization"] = f"Bearer {self.keys['ILSE']}"

    def run(self, command: str) -> str:
        """What a command prints."""
        here = ASKS.sub(lambda found: f"{found[0]} --url {self.served.url}", command).replace(ADDRESS, self.served.url)
        return self._bash(here)

    def _bash(self, command: str, *, quiet: bool = True) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        environment |= self.keys | {"PATH": f"{zygote().folder}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.served.folder, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert not quiet or done.stderr == "", done.stderr
        return done.stdout


@contextmanager
def company(folder: Path) -> Iterator[Company]:
    """Its files are those of examples/payments."""
    now = [round(datetime.fromisoformat(f"{DAY}T08:50:00+00:00").astimezone(UTC).timestamp() * 1000)]
    rates = "access: {rates: {logins: 1000, second: 10000, burst: 100000}}\n"
    for part in ("rules", "playbooks"):
        shutil.copytree(ROOT / "examples" / "payments" / part, folder / part)
    catalogue = folder / "catalogue"
    with live(folder, rates, clock=lambda: now[0], catalogue="entities: []\n") as served:
        (catalogue / "shop.yaml").unlink()
        shutil.copytree(ROOT / "examples" / "payments" / "catalogue", catalogue, dirs_exist_ok=True)
        served.client.post("/api/v1/reload").raise_for_status()
        eventually(lambda: served.get("/api/v1/topology/identity-db"), "the catalogue is in force")
        yield Company(served, now)
