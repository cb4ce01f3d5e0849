"""A small real provider of OpenID Connect on loopback: discovery, keys, authorization code with PKCE, tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api import bootstrap

CLIENT, SECRET = "headwater", "a secret of the client"
Key = RSAKey | ECKey | OKPKey


class Provider:
    """Logs everybody in as ``person`` without asking; ``keys`` are those that it publishes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key: Key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.others: list[Key] = [ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})]
        self.person: dict[str, Any] = {"sub": "u-1", "preferred_username": "ann", "groups": ["noc"]}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked = {"keys": 0, "token": 0}
        self.nonce: str | None = None  # put into ID tokens instead of the one that was asked for

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token says now; a change to None takes a claim away."""
        now = bootstrap.now() // 1000
        found = {**self.person, "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **changes}
        return {name: value for name, value in found.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, key: Key | None = None, **changes: Any) -> str:
        """A signed token."""
        header = {"alg": "RS256", "kid": "one", **(header or {})}
        return jwt.encode(header, self.claims(**changes), key or self.key, algorithms=[header["alg"]])

    def app(self) -> Starlette:
        """The HTTP application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def _keys(self, request: Request) -> Response:
        self.asked["keys"] += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in (self.key, *self.others)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 303)

    async def _token(self, request: Request) -> Response:
        self.asked["token"] += 1
        form = await request.form()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(str(form["code"]), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self.token(nonce=self.nonce or asked["nonce"]), "token_type": "Bearer"})


@contextmanager
def provider() -> Iterator[Provider]:
    """Serves until the context ends."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        found = Provider(f"http://127.0.0.1:{bound.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(found.app(), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join(20)
