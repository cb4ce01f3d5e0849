"""`headwater serve`: the engine and its HTTP server, until a signal ends them."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn

from api import bootstrap, logging_format, settings
from api.auth.redaction import Redaction, secrets
from api.bootstrap import Running
from api.commands.console import DONE, UNAVAILABLE, Failed, warn
from api.lane import LaneProtocol
from api.settings import Settings

GRACE = 5
"""Seconds that requests under way get when the server ends."""
BACKLOG = 2048
KEEP_ALIVE = 320
"""Seconds that a connection may be idle: longer than Prometheus keeps one (300, `config/http_config.go` of its common
library), so that the sender ends it. A server that is the first may end it just as a request comes; Go's client does
not send a POST again then, and the alerts in it are lost until they are evaluated anew."""
COLLECT = (20_000, 20, 20)
"""When Python looks for cycles: after so many new objects, and each 20th time also among older ones."""


Make = Callable[..., AbstractContextManager[Running]]
"""Puts together what is served, from (settings, ``stopped``), as `api.bootstrap.engine` does."""


def run(
    config: Path | None, host: str | None, port: int | None, data: Path | None, make: Make = bootstrap.engine
) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    given = {"HEADWATER_HOST": host, "HEADWATER_PORT": port, "HEADWATER_DATA": None if data is None else str(data)}
    found = settings.load(config, overrides={name: value for name, value in given.items() if value is not None})
    logging_format.set_up(found.log, Redaction(secrets(found)))
    return serve(found, make=make, first=True)


def serve(
    found: Settings,
    ready: Callable[[str, Server], None] | None = None,
    make: Make = bootstrap.engine,
    *,
    first: bool = False,
) -> int:
    """Serve with these settings. ``ready`` hears the URL as soon as requests are taken. With ``first``, the one-time
    token is printed as long as nobody can come in otherwise."""
    with listening(found) as bound:
        url = address(found, bound)
        broken: list[BaseException] = []
        servers: list[Server] = []

        def stopped(error: BaseException) -> None:
            broken.append(error)
            for server in servers:
                server.end()

        with make(found, stopped=stopped) as running:
            server = Server(running, lambda: ready(url, server) if ready else warn(f"Headwater listens on {url}"))
            servers.append(server)
            running.start()
            if first and (token := running.first_token()):
                warn(f"Nobody can log in yet. Make the first administrator at {url}/login with this one-time token:")
                warn(f"  {token}")
            _outlive_signals()
            _collect_rarely()
            server.run([bound])
        if broken:
            warn(f"headwater: the engine stopped: {broken[0]}")
            return UNAVAILABLE
    return DONE


def _outlive_signals() -> None:
    """uvicorn raises the signal that ended it once more; by then the engine must still store what it holds."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


def _collect_rarely() -> None:
    """What is there now stays, and what comes is nearly free of cycles: looking for them often finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


class Server(uvicorn.Server):
    """uvicorn that ends live streams first, so that they do not hold up the end."""

    def __init__(self, running: Running, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                cast(Any, running.app),
                http=cast(Any, partial(LaneProtocol, running.lane)),
                loop="uvloop",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                log_level="warning",
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=GRACE,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE,
            )
        )
        self._running, self._ready = running, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        self._running.end_streams()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """The same without a signal, from any thread."""
        self._running.end_streams()
        self.should_exit = True


def listening(found: Settings) -> socket.socket:
    """The bound socket; binding first means that a taken port is told before anything is started."""
    host, port = found.server.host, found.server.port
    try:
        family, kind, proto, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.setblocking(False)
    except OSError as error:
        message = f"cannot listen on {host} port {port}: {error.strerror}"
        raise Failed(message, "choose another with --port, or end what uses it", UNAVAILABLE) from None
    return bound


def address(found: Settings, bound: socket.socket) -> str:
    """The URL under which the server can be reached."""
    host = found.server.host
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
