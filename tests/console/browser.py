"""A real Chromium: pages whose every complaint is kept, and screenshots for whoever looks at a run afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, ViewportSize, expect, sync_playwright

SHOTS = Path(os.environ.get("HEADWATER_SCREENSHOTS") or Path(__file__).resolve().parents[2] / "screenshots")
"""A folder that CI keeps; it is not in the repository."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--no-proxy-server",
]  # fmt: skip
WALL: ViewportSize = {"width": 1920, "height": 1080}
HAND: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds: browsers share two cores with other tests."""
expect.set_options(timeout=PATIENCE)


def chromium() -> str:
    """Where it is."""
    found = (shutil.which(name) for name in ("chromium", "google-chrome"))
    return os.environ.get("CHROMIUM_PATH") or next(path for path in found if path)


@contextmanager
def browser() -> Iterator[Browser]:
    """One for many pages."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


class Screen:
    """A page and everything that it complained of: errors, refused scripts and styles, dialogs."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda one: self._note(one.type, one.text, one.location.get("url", "")))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, kind: str, text: str, url: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text} {url}")

    def shot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)


MARKUP = """() => ({
    foreign: [...document.querySelectorAll('script, style, iframe, base, object, embed, img, svg, meta, link, [style]')]
        .filter((one) => !one.closest('head, .top, svg.evidence, svg.tasks') && !(one.matches('img') && new URL(one.src).pathname.startsWith('/api/v1/incidents/')) && !one.matches('canvas'))
        .map((one) => one.outerHTML.slice(0, 120))
        .concat([...document.querySelectorAll('*')].filter((one) => [...one.attributes].some((a) => a.name.startsWith('on'))).map((one) => one.outerHTML.slice(0, 120)))
        .concat([...document.querySelectorAll('a[href]')].filter((one) => !one.getAttribute('href').startsWith('/') && !one.getAttribute('href').startsWith('#')).map((one) => one.outerHTML.slice(0, 120))),
    base: document.querySelectorAll('base').length,
    unseen: (document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069\\u001b\\u0000]/g) || []).length,
})"""  # noqa: E501 - a script
"""What of a page no template of ours made, or cannot be seen."""
Open = Callable[..., Screen]


PASSWORD = "correct horse battery"
"""Of everybody who logs in here."""


def _log_in(page: Page, who: str) -> None:
    page.goto("/login")
    page.locator("input[name=name]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def screens(opened: Browser, url: str) -> Iterator[Open]:
    """Opens pages; afterwards none of them may have complained of anything."""
    made: list[Screen] = []

    def show(path: str, *, dark: bool = True, size: ViewportSize = WALL, wait: bool = True, who: str = "") -> Screen:
        context = opened.new_context(viewport=size, color_scheme="dark" if dark else "light", base_url=url)
        screen = Screen(context.new_page())
        made.append(screen)
        screen.page.set_default_timeout(PATIENCE)
        if who:
            _log_in(screen.page, who)
            screen.complaints.clear()  # who has not logged in is not given an icon either
        screen.page.goto(path)
        if wait:
            screen.page.wait_for_selector('#link[data-state="live"], #link[data-state="still"]')
        return screen

    try:
        yield show
        for screen in made:
            assert screen.complaints == []
    finally:
        for screen in made:
            screen.page.context.close()


def grave(found: Any) -> list[tuple[str, str]]:
    """What is serious or worse: the rule, and where it is broken first."""
    return [
        (one["id"], one["nodes"][0]["html"][:300])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
