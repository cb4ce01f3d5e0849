"""docs/continuity.md plays one outage: every command prints what the page shows, every screen is as it says.

HEADWATER_RENEW=1 writes the outputs into the page and, with a Chromium, its pictures.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import COMPONENTS
from tests.console.browser import browser
from tests.walkthrough.outage import PAGE, TITLE, Company, company, section, steps

VERSION = re.compile(r"\b[0-9a-f]{16}\b")
PICTURES = PAGE.parent / "continuity"
SCREENS = {
    "ready": ("/continuity", "Tomas Lind (+49 69 555 0100)"),
    "incident": ("/incidents/{id}", "Login to app and portal"),
    "begun": ("/incidents/{id}/restoration", "too late"),
    "nearly": ("/incidents/{id}/restoration", "promoted; checking logins"),
    "review": ("/incidents/{id}/restoration", "a second replica in Amsterdam"),
}
"""Picture -> its page, and what one reads there."""
TALL = {"ready": 1080, "nearly": 1250, "review": 1250}
INCIDENT = "INC-5"
READER = 200
"""Words a minute."""


class Played:
    """What came of it: (command, shown, printed) in order, and screens with what they said."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, str]] = []
        self.screens: dict[str, str] = {}
        self.complaints: list[str] = []


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    made = Played()
    with company(tmp_path_factory.mktemp("outage") / "brook") as brook, ExitStack() as stack:
        chrome = stack.enter_context(browser()) if COMPONENTS["chromium"][0]() else None
        for step in steps(section()):
            if step.kind == "time":
                brook.at(step.text)
            elif step.kind == "sh":
                brook.prepare(step.text)
            elif step.kind == "screen" and chrome is not None:
                made.screens[step.text] = looked(chrome, brook, step.text, made.complaints)
            elif step.kind == "console":
                command, _, shown = step.text.partition("\n")
                made.commands.append((command, shown, brook.run(command)))
    if os.environ.get("HEADWATER_RENEW"):
        renew(made)
        made.commands = [(command, printed, printed) for command, _, printed in made.commands]
    return made


def looked(chrome: Browser, brook: Company, name: str, complaints: list[str]) -> str:
    """A screen at the time of the page."""
    path, _ = SCREENS[name]
    headers = {"Authorization": f"Bearer {brook.keys['ILSE']}"}
    context = chrome.new_context(
        base_url=brook.served.url, viewport={"width": 1400, "height": TALL.get(name, 1000)}, color_scheme="light",
        extra_http_headers=headers,
    )  # fmt: skip
    page = context.new_page()
    page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.clock.set_fixed_time(brook.now())
    page.goto(path.format(id=INCIDENT))
    page.wait_for_selector("#main > *")
    page.wait_for_selector('#link[data-state="live"]')
    if os.environ.get("HEADWATER_RENEW"):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")
    said = page.locator("main").inner_text()
    context.close()
    return said


def renew(made: Played) -> None:
    """Write what was printed into the page."""
    text, place = section(), 0
    for command, shown, printed in made.commands:
        at = text.index(f"$ {command}\n{shown}", place)
        fresh = f"$ {command}\n{printed.rstrip()}\n"
        text = text[:at] + fresh + text[at + len(f"$ {command}\n{shown}") :]
        place = at + len(fresh)
    whole = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(whole.split(TITLE, 1)[0] + text, encoding="utf-8")


def test_every_command_prints_what_the_page_shows(played: Played):
    assert len(played.commands) > 25
    for command, shown, printed in played.commands:
        assert printed.strip(), command
        assert VERSION.sub("<version>", printed.rstrip("\n")) == VERSION.sub("<version>", shown.rstrip("\n")), command


@pytest.mark.real("chromium")
def test_every_screen_of_the_page_shows_what_it_is_for(played: Played):
    assert played.screens.keys() == SCREENS.keys()
    for name, (_, said) in SCREENS.items():
        assert said in played.screens[name], name
        assert (PICTURES / f"{name}.png").is_file()
    assert played.complaints == []


def test_the_page_is_read_in_a_quarter_of_an_hour():
    assert len(section().split()) / READER < 15


def test_nobody_who_only_reads_the_page_needs_another_file():
    for path in re.findall(r"\]\(((?!http)[^)#]+)", section()):
        assert (PAGE.parent / path).exists(), path
    assert not [one for one in PICTURES.iterdir() if Path(one).stem not in SCREENS]
