"""Requests that are signed instead of bringing a token: which paths take them, and that each is taken once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

from api.access_settings import Role, SignedHook
from api.auth.bodies import taken
from api.auth.entries import HOOKS, SIGNED
from api.auth.principal import Kind, Principal
from api.auth.signatures import Headers, Unsigned, present, signed
from api.auth.store import Store
from api.errors import Problem
from engine.ports import Clock
from engine.signals import Millis

REMEMBERED: Millis = 600_000
"""For how long a repetition is known."""


class Signer(NamedTuple):
    """Who signs, how, and with which secrets."""

    name: str
    style: str
    secrets: tuple[str, ...]


class Verified(NamedTuple):
    """The principal, what is remembered of the sending, and the body once more."""

    principal: Principal
    nonce: str
    receive: Receive


class Signatures:
    """Web hooks by their declared style; ticketing systems by GitHub's style, which Jira has too."""

    def __init__(
        self, store: Store, clock: Clock, webhooks: Iterable[SignedHook], sinks: Mapping[str, str], longest: int
    ) -> None:
        self._store, self._clock, self._longest = store, clock, longest
        self._signers = {SIGNED + one.name: Signer(f"webhook:{one.name}", one.style, one.secrets) for one in webhooks}
        self._signers |= {
            HOOKS + sink: Signer(f"hook:{sink}", "github", (secret,)) for sink, secret in sinks.items() if secret
        }

    def of(self, path: str, headers: Headers) -> Signer | None:
        """Who is to sign a request to this path; a ticketing system may send its secret instead."""
        signer = self._signers.get(path)
        if signer is None or (path.startswith(HOOKS) and not present(signer.style, headers)):
            return None
        return signer

    async def verified(self, signer: Signer, headers: Headers, receive: Receive) -> Verified:
        """Raises `Problem`: 401 for a signature that does not hold, 409 for one that was taken before."""
        body, receive = await taken(receive, self._longest)
        now = self._clock()
        try:
            unique = signed(signer.style, headers, body, signer.secrets, now / 1000)
        except Unsigned as error:
            raise Problem(401, "bad-signature", f"Not taken: {error}.") from None
        nonce = f"{signer.name}:{unique}"
        if not await run_in_threadpool(self._store.add_nonce, nonce, now, now + REMEMBERED):
            raise Problem(409, "replayed", "These bytes with this signature were taken before.")
        return Verified(Principal(signer.name, frozenset({Role.INGEST}), Kind.HOOK), nonce, receive)

    async def release(self, nonce: str) -> None:
        """It was not taken after all: it may be sent again."""
        await run_in_threadpool(self._store.drop_nonce, nonce)
