"""The egress guard as probes and queries see it: their only way out, with their own words for what goes wrong."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack

from prometheus_client import CollectorRegistry, Gauge

from api.probe_settings import ProbeSettings, PrometheusSettings
from api.restoring.bundles import Bundles
from api.restoring.evidence import Recorded
from api.restoring.hands import Answered, Hands, Unanswered
from api.restoring.library import repository
from api.restoring.runner import Runner
from api.restoring.workshop import Workshop
from api.restoring_settings import StepDestination
from api.settings import Settings
from engine.ports import Record
from engine.publish.egress import (
    MAX_ANSWER,
    Answer,
    Destination,
    Egress,
    EgressFailed,
    EgressRefused,
    checked,
    plain_client,
)
from engine.signals import Millis
from ingest.alertmanager_silences import silences_in, unread
from ingest.probes.network import Credential, Database, Page, Refused, Unreachable, World
from ingest.prometheus_query import Fetched, RangeClient


class Guarded:
    """An `ingest.probes.network.Outgoing`. What a rule names is the declared destination of its own request alone."""

    def __init__(self, trust: ssl.SSLContext | bool = True) -> None:
        self._client = plain_client(trust)

    def pin(self, host: str, port: int, *, allow_private: bool) -> str:
        """A checked address of the name."""
        try:
            return checked(host, port, allow_private=allow_private)
        except EgressRefused as error:
            raise Refused(str(error)) from None
        except EgressFailed as error:
            raise Unreachable(str(error)) from None

    def get(self, url: str, headers: Mapping[str, str], *, allow_private: bool, seconds: float) -> Page:
        """GET; the body is cut at 1 MiB."""
        egress = self._egress(url, seconds, MAX_ANSWER, allow_private=allow_private)
        answer = _words(lambda: egress.get(url, headers))
        return Page(answer.status, answer.body, len(answer.body) == MAX_ANSWER)

    def fetch(self, server: PrometheusSettings, url: str, form: bytes) -> Fetched:
        """POST a query; raises as `get`."""
        most = server.answer << 20
        egress = self._egress(url, server.timeout, most, allow_private=server.allow_private)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if server.token:
            headers["Authorization"] = f"Bearer {server.token}"
        answer = _words(lambda: egress.post(url, form, headers))
        return Fetched(answer.status, answer.body, len(answer.body) == most)

    def send(
        self, one: StepDestination, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answered:
        """A request of an automated step, to its declared destination. Raises `Unanswered`."""
        egress = self._egress(url, seconds, MAX_ANSWER, allow_private=one.allow_private)
        try:
            if method in ("GET", "DELETE"):
                answer = (egress.get if method == "GET" else egress.delete)(url, headers)
            else:
                answer = {"POST": egress.post, "PUT": egress.put, "PATCH": egress.patch}[method](url, body, headers)
        except EgressRefused as error:
            raise Unanswered(str(error), sent=False) from None
        except EgressFailed as error:
            raise Unanswered(str(error), sent=error.sent) from None
        return Answered(answer.status, answer.body)

    def close(self) -> None:
        """Give up what is open."""
        self._client.close()

    def _egress(self, url: str, seconds: float, most: int, *, allow_private: bool) -> Egress:
        declared = [Destination(url, allow_private)]
        return Egress(declared, timeout=seconds, deadline=seconds, most=most, client=self._client)


def _words(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except EgressRefused as error:
        raise Refused(str(error)) from None
    except EgressFailed as error:
        raise Unreachable(str(error)) from None


def world(settings: ProbeSettings, clock: Callable[[], Millis], stack: ExitStack) -> World:
    """What probes may use, by the settings. Raises OSError where the authorities' file cannot be read."""
    authorities = str(settings.authorities) if settings.authorities is not None else None

    def trust() -> ssl.SSLContext:
        context = ssl.create_default_context()
        if authorities is not None:
            context.load_verify_locations(cafile=authorities)
        return context

    out = Guarded(trust() if authorities is not None else True)
    stack.callback(out.close)
    return World(
        out,
        clock,
        {
            one.name: Database(
                driver=one.driver,
                database=one.database,
                host=one.host or "",
                port=one.port,
                user=one.user,
                password=one.password,
                allow_private=one.allow_private,
            )
            for one in settings.databases
        },
        {one.name: one.argv for one in settings.commands},
        {one.name: Credential(one.token, one.hosts) for one in settings.credentials},
        trust,
    )


def silence_readers(servers: tuple[PrometheusSettings, ...], stack: ExitStack) -> Callable[[], dict[str, str]]:
    """Reads the silences of each declared Alertmanager: ``alertmanager.NAME`` -> what the command `reconcile` takes."""
    if not servers:
        return dict
    out = Guarded()
    stack.callback(out.close)
    return lambda: {f"alertmanager.{one.name}": _silences(out, one) for one in servers}


def _silences(out: Guarded, server: PrometheusSettings) -> str:
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    url = f"{server.url.rstrip('/')}/api/v2/silences"
    try:
        page = out.get(url, headers, allow_private=server.allow_private, seconds=server.timeout)
    except (Refused, Unreachable) as error:
        return unread(str(error))
    return unread("its answer is too long") if page.cut else silences_in(page.status, page.body)


def range_clients(servers: tuple[PrometheusSettings, ...], stack: ExitStack) -> dict[str, RangeClient]:
    """A client of each declared Prometheus, by name."""
    if not servers:
        return {}
    out = Guarded()
    stack.callback(out.close)

    def client(server: PrometheusSettings) -> RangeClient:
        return RangeClient(server.name, server.url, lambda url, form: out.fetch(server, url, form))

    return {server.name: client(server) for server in servers}


def workshop(
    settings: Settings,
    store: Recorded,
    submit: Callable[[Record], Future[None]],
    clock: Callable[[], Millis],
    registry: CollectorRegistry,
    stack: ExitStack,
) -> Workshop:
    """What restoration may use of the world, by the settings."""
    asked, out = settings.restoring, Guarded()
    stack.callback(out.close)
    runner = Runner(Hands(asked.steps, out.send), submit, registry, asked.steps.threads)
    stack.callback(runner.stop)
    bundles = Bundles(settings.data / "bundles", asked.bundles, clock)
    bundles.forget()
    kept = Gauge("headwater_bundles", "Forensic bundles that are kept.", registry=registry)
    kept.set_function(lambda: float(bundles.count()))
    return Workshop(runner, bundles, store, repository(settings, clock))
