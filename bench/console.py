"""Does the screen keep up? 50 clients of the live stream and 20 consoles beside 1,000 alerts/s.

`python bench/console.py [seconds]`. The consoles ask as the page's own scripts do: they hear of a revision by the brief
stream, wait at least 250 ms between two looks, and fetch the part of the page that changed, with the tag of what they
have. Decision to screen is from the answer 2xx to a marked alert that begins an incident (it is then decided)
until the console holds a page that shows it; in a real Chromium, where there is one, until the page's text holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from bench.process import Server, free_port

STREAMS, CONSOLES, RATE, BATCH = 50, 20, 1_000, 50
LEAST = 0.25
"""Seconds between two looks of one console, as in `live.js`."""
PAGE = "/incidents"
"""The list that shows the newest incident first."""
PROBE_EVERY = 2.0
SERVICES = 400
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


class Console:
    """One screen: hears, waits, fetches."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.client, self.path = client, path
        self.page, self.tag, self.seen, self.last = "", "", 0, 0.0
        self.looks = self.unchanged = 0
        self.news = asyncio.Event()
        self.changed = asyncio.Condition()

    async def hear(self) -> None:
        async with self.client.stream("GET", "/api/v1/stream", params={"brief": "true"}, timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    self.seen = int(line[4:])
                    self.news.set()

    async def look(self) -> None:
        while True:
            await self.news.wait()
            await asyncio.sleep(max(0.0, LEAST - (time.monotonic() - self.last)))
            self.news.clear()
            self.last = time.monotonic()
            headers = {"X-Part": "main", "X-Seen": str(self.seen), "If-None-Match": self.tag}
            answer = await self.client.get(self.path, headers=headers)
            self.looks += 1
            self.unchanged += answer.status_code == 304
            if answer.status_code == 200:
                async with self.changed:
                    self.page, self.tag = answer.text, answer.headers["etag"]
                    self.changed.notify_all()

    async def shows(self, text: str) -> float:
        async with self.changed:
            await self.changed.wait_for(lambda: text in self.page)
        return time.perf_counter()


async def listen(port: int, heard: list[int]) -> None:
    """One of the clients that only follow the stream, in full; taken up again if it is too slow for the server."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1 << 18):
                heard[0] += len(chunk)
        heard[1] += 1


def load(port: int, seconds: float) -> None:
    """Alerts at the rate, in a process of its own, of services that are in trouble already, as a monitoring system
    repeats them. Prints how many a second were answered."""
    begun, number = time.perf_counter(), 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while time.perf_counter() - begun < seconds:
            body = [
                _alert(f"svc-{(number + n) % SERVICES:03}", f"Check{(number + n) // SERVICES % 20}")
                for n in range(BATCH)
            ]
            number += BATCH
            client.post("/api/v2/alerts", json=body).raise_for_status()
            time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
    print(number / (time.perf_counter() - begun))


async def loading(port: int, seconds: float) -> float:
    """Alerts per second that were taken."""
    command = [sys.executable, __file__, "--load", str(port), str(seconds)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return float(out)


def _alert(service: str, name: str) -> dict[str, object]:
    return {"labels": {"alertname": name, "service": service, "severity": "critical"}}


async def probes(client: httpx.AsyncClient, consoles: list[Console], browser: object, seconds: float) -> list[float]:
    """(decision to screen) of marked alerts, each the beginning of an incident of its own, on every console."""
    took: list[float] = []
    drawn: list[float] = []
    for n in range(int(seconds / PROBE_EVERY)):
        name = f"probe-{n:02}"
        decided = time.perf_counter()
        (await client.post("/api/v2/alerts", json=[_alert(name, "Marked")])).raise_for_status()
        decided = time.perf_counter()
        screens = [one.shows(name) for one in consoles]
        found = await asyncio.wait_for(asyncio.gather(*screens, *_drawn(browser, name)), 20)
        took += [at - decided for at in found[: len(screens)]]
        drawn += [at - decided for at in found[len(screens) :]]
        await asyncio.sleep(max(0.0, PROBE_EVERY - (time.perf_counter() - decided)))
    if drawn:
        print(f"drawn in a real Chromium: {_spread(drawn)}")
    return took


def _drawn(page: object, text: str) -> list[object]:
    async def wait() -> float:
        await page.get_by_text(text).first.wait_for(timeout=20_000)  # type: ignore[attr-defined]
        return time.perf_counter()

    return [wait()] if page is not None else []


@contextlib.asynccontextmanager
async def chromium(url: str):
    """A page with the overview; None where there is no browser."""
    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if path is None:
        yield None
        return
    from playwright.async_api import async_playwright  # noqa: PLC0415 - where there is a browser

    async with async_playwright() as play:
        opened = await play.chromium.launch(executable_path=path, args=FLAGS)
        page = await opened.new_page(viewport={"width": 1920, "height": 1080})
        await page.goto(url + PAGE)
        yield page
        await opened.close()


async def run(server: Server, seconds: float) -> None:
    """All of it at once."""
    url, heard = f"http://127.0.0.1:{server.port}", [0, 0]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        await loading(server.port, 3.0)
        consoles = [Console(client, PAGE) for _ in range(CONSOLES)]
        tasks = [asyncio.create_task(one.hear()) for one in consoles]
        tasks += [asyncio.create_task(one.look()) for one in consoles]
        tasks += [asyncio.create_task(listen(server.port, heard)) for _ in range(STREAMS)]
        async with chromium(url) as page:
            await asyncio.sleep(2)
            before, begun = server.cpu(), time.perf_counter()
            rate, took = await asyncio.gather(
                loading(server.port, seconds), probes(client, consoles, page, seconds - 2)
            )
            spent = time.perf_counter() - begun
            cpu = (server.cpu() - before) / spent
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    looks, same = sum(one.looks for one in consoles), sum(one.unchanged for one in consoles)
    print(f"{STREAMS} stream clients, {CONSOLES} consoles, {rate:,.0f} alerts/s for {spent:.0f} s")
    print(f"decision to page in hand: {_spread(took)} ({len(took) // CONSOLES} incidents on {CONSOLES} consoles)")
    print(f"{looks / spent:.0f} looks/s, {same} of {looks} answered 304")
    print(f"{heard[0] / spent / 1e6:.2f} MB/s streamed in full, {heard[1]} streams taken up again")
    print(f"server: {cpu:.2f} cores, {server.rss():.0f} MB")


def _spread(values: list[float]) -> str:
    ordered = sorted(1000 * one for one in values)
    late = ordered[int(0.99 * (len(ordered) - 1))]
    return f"p50 {median(ordered):.0f} ms, p99 {late:.0f} ms, worst {ordered[-1]:.0f} ms"


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server whose catalogue has a switch, the services behind it, and a service for each mark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "catalogue").mkdir()
        (folder / "rules").mkdir()
        entities: list[dict[str, object]] = [{"id": "switch"}]
        entities += [{"id": f"svc-{n:03}", "depends_on": ["switch"]} for n in range(SERVICES)]
        entities += [{"id": f"probe-{n:02}", "tier": 0} for n in range(100)]
        (folder / "catalogue" / "all.yaml").write_text(json.dumps({"entities": entities}))
        port = free_port()
        (folder / "headwater.yaml").write_text(f"server: {{port: {port}}}\nlimits: {{streams: 200}}\n")
        program = [sys.executable, "-c", "from api.cli import main; main()"]
        command = [*program, "serve", "--config", str(folder / "headwater.yaml")]
        server = Server(command, port, "/readyz", folder / "log")
        try:
            yield server
        finally:
            server.stop()


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--load"]:
        load(int(sys.argv[2]), float(sys.argv[3]))
        return
    with serving() as server:
        asyncio.run(run(server, float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))


if __name__ == "__main__":
    main()
