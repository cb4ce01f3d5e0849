"""`headwater demo`: a real outage through the HTTP API of a real server, at a pace that a person can follow.

What came before the trouble is sent at once, with its own spacing, so that there is a normal to compare with; the
outage itself follows in fast motion. All times are moved to now.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from api import settings
from api.commands import demo_storm
from api.commands.console import DONE, UNAVAILABLE, Failed, say, warn
from api.commands.serve import Server, serve

HERE = Path(__file__).resolve().parents[2] / "examples" / "demo"
LEAD = 120.0
"""Seconds of the outage that are shown before its first alert."""
CHUNK = 500
QUIET = 60.0
"""Seconds after which a silent stream is dead; the server comments every 15 s."""
SETTLED = 40.0
"""Seconds after the last event in which the engine makes up its mind; it waits 30 s before it declares."""

Event = dict[str, Any]


def run(pace: float, port: int, data: Path | None, *, exit_after: bool, storm: bool = False) -> int:
    """Serve, play, tell; then serve on until Ctrl-C. ``storm``: a made-up storm of alerts instead of the outage."""
    stream = HERE / "outage.jsonl"
    if not stream.exists():
        raise Failed(
            f"{stream}: the demo's data is not installed", "run it from a checkout of the project", UNAVAILABLE
        )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    events = [json.loads(line) for line in stream.read_text(encoding="utf-8").splitlines()[1:]]
    with _folder(data) as folder:
        if storm:
            demo_storm.write(folder)
        overrides: dict[str, str | int] = {
            "HEADWATER_DATA": str(folder),
            "HEADWATER_CATALOGUE": str(folder / "catalogue" if storm else HERE / "catalogue"),
            "HEADWATER_RULES": str(folder / "rules"),
            "HEADWATER_PORT": port,
            "HEADWATER_HOST": "127.0.0.1",
        }
        found = settings.load(Path("/dev/null"), environment={}, overrides=overrides)
        play = _Play([] if storm else events, pace, exit_after=exit_after)
        code = serve(found, play.begin)
        return code or play.code


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="headwater-demo-") as name:
        yield Path(name)


class _Play:
    """Sends the events and tells what comes of them, in threads beside the server."""

    def __init__(self, events: list[Event], pace: float, *, exit_after: bool) -> None:
        self._events, self._pace, self._exit_after = events, pace, exit_after
        self.code = DONE

    def begin(self, url: str, server: Server) -> None:
        """The server takes requests."""
        say(f"Headwater listens on {url}")
        if self._events:
            threading.Thread(target=self._tell, args=(url,), daemon=True).start()
        threading.Thread(target=self._play, args=(url, server), daemon=True).start()

    def _play(self, url: str, server: Server) -> None:
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                if not self._events:
                    self.code = DONE if demo_storm.play(client) else UNAVAILABLE
                else:
                    self._outage(client, url)
        except (httpx.HTTPError, OSError) as error:
            if not server.should_exit:
                self.code = UNAVAILABLE
                warn(f"headwater: the demo was interrupted: {error}")
        if self._exit_after:
            server.end()
        elif not server.should_exit:
            say("Serving on; end with Ctrl-C.")

    def _outage(self, client: httpx.Client, url: str) -> None:
        _send_all(client, self._events, self._pace)
        say("The outage has been played.")
        if not self._exit_after or _settled(client):
            _where_to_look(client, url)
        else:
            self.code = UNAVAILABLE
            warn(f"headwater: no incident with a cause within {SETTLED:g} s; this should not happen")

    def _tell(self, url: str) -> None:
        """Follow the live stream and say what happens."""
        causes: dict[str, str] = {}
        try:
            with httpx.stream("GET", f"{url}/api/v1/stream", params={"after": 0}, timeout=QUIET) as answer:
                name = ""
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        _tell_one(name, json.loads(line[6:]), causes)
        except httpx.HTTPError:
            return  # the server has ended


def _tell_one(name: str, data: Mapping[str, Any], causes: dict[str, str]) -> None:
    if name == "timeline":
        at = datetime.fromtimestamp(data["at"] / 1000).astimezone()
        say(f"{at:%H:%M:%S} {data['incident']} {data['kind']}: {data['text']}")
    elif name == "incident" and data["cause"] and causes.get(data["id"]) != data["cause"]:
        causes[data["id"]] = data["cause"]
        hit = ", ".join(one["entity"] for one in data["impact"][:6])
        say(f"         {data['id']} cause: {data['cause']}, {data['severity']['level']}; hit: {hit}")


def _send_all(client: httpx.Client, events: list[Event], pace: float) -> None:
    first_alert = next((event["t"] for event in events if event["kind"] == "alert"), events[-1]["t"])
    split = first_alert - LEAD
    now = _now()
    before = [_moved(event, now - split) for event in events if event["t"] < split]
    say(f"Sending {len(before)} events from before the outage: what is normal here.")
    for start in range(0, len(before), CHUNK):
        _post(client, before[start : start + CHUNK])
    rest = [event for event in events if event["t"] >= split]
    say(f"Playing {(rest[-1]['t'] - split) / 60:.0f} minutes of outage, {pace:g} times as fast as it was.")
    begun = time.monotonic()
    while rest:
        reached = split + (time.monotonic() - begun) * pace
        due = [event for event in rest if event["t"] <= reached]
        rest = rest[len(due) :]
        if due:
            _post(client, [_moved(event, _now() - event["t"]) for event in due])
        if rest:
            time.sleep(max(0.05, min(0.5, (rest[0]["t"] - reached) / pace)))


def _now() -> float:
    return datetime.now().astimezone().timestamp()  # noqa: TID251 - the demo moves recorded events to now


def _moved(event: Event, by: float) -> Event:
    moved = {**event, "t": event["t"] + by}
    if "start" in event:
        moved["start"] = event["start"] + by
    return moved


def _post(client: httpx.Client, events: list[Event]) -> None:
    client.post("/api/v1/signals", json=events).raise_for_status()


def _settled(client: httpx.Client) -> bool:
    """Wait until an incident with a cause has been declared."""
    deadline = time.monotonic() + SETTLED
    while time.monotonic() < deadline:
        found = client.get("/api/v1/incidents").json()["items"]
        if any(one["cause"] and one["declared_at"] for one in found):
            return True
        time.sleep(0.2)
    return False


def _where_to_look(client: httpx.Client, url: str) -> None:
    totals = client.get("/api/v1/totals").json()
    say(f"{totals['received']} alert events received, {totals['unaccounted']} unaccounted for. Where to look:")
    say(f"  {url}/api/v1/incidents          the incidents, with cause, impact and severity")
    say(f"  {url}/api/v1/alerts             every alert, with its verdict and what became of it")
    say(f"  {url}/                          everything else")
    say("  headwater explain                               the latest incident in words")
