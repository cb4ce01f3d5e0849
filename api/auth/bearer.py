"""JSON web tokens of the configured provider: as bearer tokens of programs, and as ID tokens of people who log in.

Checked by RFC 8725 (JWT best current practice) and OpenID Connect Core 1.0 §3.1.3.7: an allowlist of asymmetric
algorithms, the provider's own keys only (never one that a token brings along), `iss`, `aud`, `azp`, `exp`, `nbf`,
`iat`, and `nonce` of a log-in.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from api.access_settings import Oidc
from api.auth.door import FRESH
from api.auth.principal import Kind, Principal
from api.auth.provider import Provider, ProviderFailed
from engine.ports import Clock
from engine.signals import Millis

LONGEST = 16 * 1024
BELIEVED: Millis = 60_000
"""For how long a token that was checked is not checked again."""
BRINGS_KEYS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "zip"})
"""Headers by which a token would have a say in how it is checked."""


class Untrusted(ValueError):
    """A token that is not believed; the message says why, without the token."""


class Bearer:
    """`api.auth.door.Bearers` for one provider."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self._provider, self._clock = provider, clock

    def __call__(self, token: str) -> tuple[Principal | None, Millis]:
        """Whose it is, and until when that may be believed."""
        now = self._clock()
        try:
            settings = self._provider.settings
            claims = verified(token, self._provider, settings.audience or settings.client_id, now)
            found = principal(claims, settings, Kind.JWT)
        except (Untrusted, ProviderFailed):
            return None, now + FRESH
        return found, min(now + BELIEVED, int((claims["exp"] + settings.leeway) * 1000))


def logged_in(token: str, provider: Provider, nonce: str, now: Millis) -> tuple[Principal, Millis]:
    """The person of an ID token, and when the token ends. Raises Untrusted, ProviderFailed."""
    claims = verified(token, provider, provider.settings.client_id, now)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Untrusted("it is not from this log-in (nonce)")
    return principal(claims, provider.settings, Kind.PERSON), int(claims["exp"] * 1000)


def principal(claims: Mapping[str, Any], settings: Oidc, kind: Kind) -> Principal:
    """Who the claims speak of, with the roles that the settings translate. Raises Untrusted when there are none."""
    roles = frozenset(settings.roles[word] for word in _words(claims, settings.claim) if word in settings.roles)
    if not roles:
        raise Untrusted(f"none of the values of {settings.claim} has a role here")
    name = claims.get(settings.name_claim) or claims.get("sub")
    if not isinstance(name, str) or not name or len(name) > 200 or not name.isprintable():
        raise Untrusted("it has no usable name")
    return Principal(name, roles, kind)


def verified(token: str, provider: Provider, audience: str, now: Millis) -> dict[str, Any]:
    """The claims. Raises Untrusted, ProviderFailed."""
    settings = provider.settings
    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        raise Untrusted("it is no signed JSON web token")
    header = _header(token)
    kid = header.get("kid")
    keys = provider.keys(kid)
    try:
        decoded = jwt.decode(token, _for(keys, kid, header["alg"]), algorithms=list(settings.algorithms))
        rules = JWTClaimsRegistry(
            now=now // 1000, leeway=settings.leeway,
            iss={"essential": True, "value": settings.issuer}, sub={"essential": True},
            aud={"essential": True, "value": audience}, exp={"essential": True},
        )  # fmt: skip
        rules.validate(decoded.claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Untrusted(f"{type(error).__name__}: {error}"[:200]) from None
    _check_party(decoded.claims, settings)
    return decoded.claims


def _header(token: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).headers()
        json.loads(json.dumps(header, allow_nan=False))
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Untrusted(f"its header cannot be read: {type(error).__name__}") from None
    if named := BRINGS_KEYS & header.keys():
        raise Untrusted(f"its header has {', '.join(sorted(named))}")
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        raise Untrusted("its header has no usable alg or kid")
    return header


def _for(keys: KeySet, kid: str | None, algorithm: str) -> KeySet:
    """The keys that may have made the signature: of this id, if the token names one, and for this algorithm."""
    found = [key for key in keys.keys if kid is None or key.kid == kid]
    found = [key for key in found if key.get("alg") in (None, algorithm)]
    if len(found) != 1:
        raise Untrusted("none of the provider's keys is the one that signed it")
    return KeySet(found)


def _check_party(claims: Mapping[str, Any], settings: Oidc) -> None:
    """`azp` names a client that we know; with several audiences it must be there (OIDC Core §3.1.3.7, 4 and 5)."""
    party, audience = claims.get("azp"), claims.get("aud")
    if party is None and isinstance(audience, list) and len(audience) > 1:
        raise Untrusted("it is for several audiences and does not say whose it is (azp)")
    if party is not None and party not in (settings.client_id, *settings.parties):
        raise Untrusted("it was made for another client (azp)")


def _words(claims: Mapping[str, Any], path: str) -> list[str]:
    """The claim's words: a list, or one text; a claim's own name may have dots."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []
