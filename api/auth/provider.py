"""A provider of OpenID Connect: where it is, which keys it signs with, and the log-in by authorization code.

OpenID Connect Core 1.0 and Discovery 1.0; PKCE: RFC 7636 (S256). Keys are kept and asked for again when a token names
one that is not there, at most once in a while, so that a stranger's tokens do not make us call the provider.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.access_settings import Oidc
from engine.ports import Clock
from engine.signals import Millis

KEPT: Millis = 3_600_000
"""For how long keys are believed to be the provider's."""
ASKED: Millis = 30_000
"""Between two questions for keys."""
LONGEST = 1 << 20
CALLBACK = "/login/callback"


class ProviderFailed(Exception):
    """The provider does not answer as it should."""


class Metadata(NamedTuple):
    """What discovery says."""

    authorization: str
    token: str
    keys: str


class Provider:
    """Safe to use from any thread. Answers are bounded, redirects are not followed."""

    def __init__(self, settings: Oidc, clock: Clock) -> None:
        self.settings, self._clock = settings, clock
        self._client = httpx.Client(timeout=10, follow_redirects=False, trust_env=False)
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._keys: KeySet | None = None
        self._asked: Millis = -KEPT

    def close(self) -> None:
        """No more is asked."""
        self._client.close()

    @property
    def redirect(self) -> str:
        """Where the provider sends people back to."""
        return self.settings.url.rstrip("/") + CALLBACK

    def keys(self, kid: str | None = None) -> KeySet:
        """The provider's keys, asked for again when this one is not among them. Raises ProviderFailed."""
        with self._lock:
            now = self._clock()
            age = now - self._asked
            known = self._keys
            missing = known is None or age >= KEPT or age < 0 or not _has(known, kid)
            if missing and not 0 <= age < ASKED:
                self._asked = now
                self._keys = known = self._fetched()
            if known is None:
                raise ProviderFailed("its keys cannot be read")
            return known

    def authorization(self, state: str, nonce: str, verifier: str) -> str:
        """The URL to which a browser goes to log in."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.redirect,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._described().authorization
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def exchanged(self, code: str, verifier: str) -> str:
        """The ID token for a code. Raises ProviderFailed."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": self.settings.client_id,
            "code_verifier": verifier,
        }
        secret = self.settings.client_secret
        found = self._json("POST", self._described().token, form, (self.settings.client_id, secret) if secret else None)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("it gave no ID token")
        return token

    def _described(self) -> Metadata:
        if self._metadata is None:
            issuer = self.settings.issuer
            found = self._json("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ProviderFailed("its discovery document names another issuer")
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            values = [found.get(name) for name in names]
            if not all(isinstance(value, str) and value.startswith(("https://", "http://")) for value in values):
                raise ProviderFailed(f"its discovery document lacks one of {', '.join(names)}")
            self._metadata = Metadata(*map(str, values))
        return self._metadata

    def _fetched(self) -> KeySet:
        try:
            found = self._json("GET", self._described().keys)
            usable = [
                key for key in found.get("keys", []) if key.get("use", "sig") == "sig" and key.get("kty") != "oct"
            ]
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderFailed(f"its keys cannot be read: {type(error).__name__}") from None

    def _json(
        self, method: str, url: str, form: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """An object; what went wrong is told without what was sent or answered: either may hold secrets."""
        try:
            answer = self._client.request(method, url, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
            if answer.status_code != 200 or len(answer.content) > LONGEST:
                raise ProviderFailed(f"it answered {answer.status_code}")
            found = answer.json()
        except httpx.HTTPError as error:
            raise ProviderFailed(f"it cannot be reached: {type(error).__name__}") from None
        except ValueError:
            raise ProviderFailed("it answered something else than JSON") from None
        if not isinstance(found, dict):
            raise ProviderFailed("it answered something else than an object")
        return found


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)
