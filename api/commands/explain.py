"""`headwater explain`: an incident or an alert in words, from a running server or from the data on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import msgspec

from api import bootstrap, settings
from api.clocks import clocks_of, open_clocks
from api.commands.console import DONE, UNAVAILABLE, Failed, say
from api.keyed import MOST
from api.recovery import windows_answer
from api.recovery_schemas import WindowsOf
from api.schemas import Versions, Why
from api.settings import Settings
from api.telling import alert_in_words, argued_alert, argued_incident, incident_in_words
from engine.outcomes import IncidentView
from engine.ports import Reader

Fetch = Callable[[str], Any]
"""A path under `/api/v1` -> its JSON, None where there is no such thing."""


def run(
    id: str | None, url: str | None, token: str, config: Path | None, data: Path | None, as_json: bool = False
) -> int:
    """Tell one incident or alert. Asks the server if it runs, else reads the data."""
    with asking(url, token, config, data) as fetch:
        return _tell(fetch, id, as_json=as_json)


@contextmanager
def asking(url: str | None, token: str, config: Path | None, data: Path | None) -> Iterator[Fetch]:
    """What can be asked of a server if one runs, else of the data."""
    found = settings.load(config, overrides=settings.at(data))
    server = None
    if url:
        server = httpx.Client(base_url=url, headers=_headers(token), timeout=10)
    elif data is None:
        server = _running(found, token)
    if server is not None:
        with closing(server):
            yield over_http(server)
        return
    if not found.kept.there:
        mend = "start one with `headwater serve`, or name --url or --data"
        raise Failed(f"no server runs and {found.kept} holds no data", mend, UNAVAILABLE)
    with bootstrap.stored(found.kept) as reader:
        yield _from_reader(reader)


def serving(url: str | None, token: str, config: Path | None) -> httpx.Client:
    """A client of the server that is named, or of the configured one. Raises `Failed` when none runs."""
    if url:
        return httpx.Client(base_url=url, headers=_headers(token), timeout=10)
    client = _running(settings.load(config), token)
    if client is None:
        raise Failed("no server runs", "start one with `headwater serve`, or name --url", UNAVAILABLE)
    return client


def _tell(fetch: Fetch, id: str | None, *, as_json: bool) -> int:
    if id is None:
        newest = [one["id"] for one in fetch("incidents?limit=50")["items"] if not one["merged_into"]]
        if not newest:
            say("null" if as_json else "No incident has been opened yet.")
            return DONE
        id = newest[0]
    name = quote(id, safe="")
    if as_json and (argued := fetch(f"incidents/{name}/explanation") or fetch(f"alerts/{name}/why")):
        say(json.dumps(argued, indent=2, ensure_ascii=False))
    elif incident := fetch(f"incidents/{name}"):
        say(incident_in_words(incident["incident"], incident["timeline"], incident["alerts"]))
    elif why := fetch(f"alerts/{name}/why"):
        say(alert_in_words(why["alert"], why["event"], why["history"]))
    else:
        mend = "ids look like INC-42 (incident), 42-0 (alert event), 7 (alert) or are a fingerprint"
        raise Failed(f"there is no incident or alert {id!r}", mend)
    return DONE


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _running(found: Settings, token: str) -> httpx.Client | None:
    """A client of the configured server, if something answers there as Headwater does."""
    host = "127.0.0.1" if found.server.host in ("0.0.0.0", "::") else found.server.host  # noqa: S104 - compared only
    client = httpx.Client(base_url=f"http://{host}:{found.server.port}", headers=_headers(token), timeout=10)
    try:
        if client.get("/healthz", timeout=2).text == "ok":
            return client
    except httpx.HTTPError:
        pass
    client.close()
    return None


def over_http(client: httpx.Client) -> Fetch:
    """What a server answers. Raises `Failed`."""

    def fetch(path: str) -> Any:
        try:
            answer = client.get(f"/api/v1/{path}")
        except httpx.HTTPError as error:
            mend = "is `headwater serve` running there?"
            raise Failed(f"{client.base_url} does not answer: {error}", mend, UNAVAILABLE) from None
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            raise Failed(f"{client.base_url} refuses: {answer.json()['detail']}", "name a token with --token")
        if answer.is_error:
            raise Failed(f"{client.base_url} answers {answer.status_code}", code=UNAVAILABLE)
        return answer.json()

    return fetch


def whole(fetch: Fetch, path: str) -> Any:
    """A list with the rows of all its pages."""
    found = fetch(f"{path}?limit={MOST}")
    while found["next"]:
        more = fetch(f"{path}?limit={MOST}&cursor={quote(found['next'], safe='')}")
        found = {**more, "items": found["items"] + more["items"]}
    return found


def _from_reader(reader: Reader) -> Fetch:
    """The same paths, answered from the data on disk."""

    def find(path: str) -> object:
        if path.startswith("incidents?"):
            page = reader.incidents(limit=50, cursor=dict(parse_qsl(path.partition("?")[2])).get("cursor", ""))
            return {"items": page.items, "next": page.next}
        if path.startswith("clocks?"):
            now, waiting = bootstrap.now(), "waiting=true" in path
            items = open_clocks(reader, now, waiting=waiting)
            return {"items": items, "next": "", "total": len(items), "at": now, "versions": _in_force(reader)}
        kind, id, *rest = path.split("/")
        if kind == "incidents":
            found = reader.incident(id)
            if rest == ["clocks"]:
                return found and clocks_of(found, reader.timeline(id), bootstrap.now())
            if rest == ["recovery", "windows"]:
                return _windows(reader, found) if found else None
            alerts = reader.alerts(incident=id, limit=500).items
            if rest == ["explanation"]:
                return found and argued_incident(found, reader.timeline(id), alerts)
            return found and {"incident": found, "timeline": reader.timeline(id), "alerts": alerts}
        alert = reader.alert(id)
        if alert is None:
            return None
        event = id if reader.why(id) else alert.last_event or alert.first_event
        history = reader.why(event)
        return Why(event, alert, history[-1] if history else {}, history, argued_alert(alert))

    return lambda path: json.loads(msgspec.json.encode(find(path)))


def _windows(reader: Reader, view: IncidentView) -> WindowsOf | None:
    """What was kept of a closed incident's recovery; nothing is at hand of one that is open."""
    if view.recovery is None:
        return None
    return windows_answer(view, view.recovery, None, reader.timeline(view.id), lambda _: 0)


def _in_force(reader: Reader) -> Versions:
    """The newest versions that are stored."""
    newest = {kind: next((one.id for one in reader.versions(kind)), "") for kind in ("topology", "rules")}
    return Versions(newest["topology"], newest["topology"], newest["rules"])
