"""Secrets in a line, replaced before anything else looks at it.

Rather a harmless word too many than a password kept: what follows a name such as ``password=`` goes, whatever it is.
Every pattern has a bounded or possessive repetition, so that a line of `line.MOST` characters takes linear time.
"""

from __future__ import annotations

import re

SECRET = "<secret>"  # noqa: S105 - a placeholder

_NAMES = (
    "passw", "pwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "accesskey", "access_key",
    "access-key", "private", "credential", "session", "bearer", "authorization", "cookie", "://", "eyj", "akia", "asia",
    "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "aiza", "sk_", "rk_", "signature", "sid=",
    "auth", "jsessionid", "-----begin", "accountkey",
)  # fmt: skip
"""A line without any of these has no secret that the patterns would find."""

_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*", re.DOTALL)
_HEADER = re.compile(
    r"(?i)\b((?:set-|proxy-)?(?:cookie2?|authorization))([\\\"']{0,4}\s{0,4}[:=]\s{0,4}).++", re.DOTALL
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|digest|negotiate)\s{1,4}(?=[^\s,;]{0,256}[\d=])[^\s,;\"']{6,}+")
_OPAQUE = re.compile(r"(?i)\b(bearer)\s{1,4}[^\s,;\"']{16,}+")
_PAIR = re.compile(
    r"(?i)(passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|account[_-]?key"
    r"|private[_-]?key|signature|credentials?|session(?:[_-]?id)?|jsessionid|\bsid|\bauth)"
    r"([\w.-]{0,32}[\\\"'\]]{0,4}\s{0,4}(?::=|=>|=|:)\s{0,4})"
    r"(?!<secret>)(?:\\?\"[^\"]*+\"?|'[^']*+'?|[^\s,;&\"'}\])]++)"
)
_OPTION = re.compile(r"(?i)(--?(?:password|passwd|passphrase|token|secret|api-key|access-key)\s{1,4})(?!<secret>)\S++")
_URL = re.compile(r"://(?=[^\s@]{0,512}@)\S{1,512}@")
_KNOWN = re.compile(
    r"\b(?:eyJ[\w-]{5,}+(?:\.[\w-]*+){1,4}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{12,}+"
    r"|gh[pousr]_\w{16,}+|github_pat_\w{16,}+|glpat-[\w-]{16,}+|xox[a-z]-[\w-]{8,}+|AIza[\w-]{20,}+"
    r"|[rs]k_(?:live|test)_\w{8,}+)"
)


def without_secrets(text: str) -> str:
    """The text with `SECRET` in place of passwords, tokens, keys, cookies and credentials in addresses.

    >>> without_secrets("login user=bob password=hunter2 via https://bob:pw@db/x")
    'login user=bob password=<secret> via https://<secret>@db/x'
    """
    low = text.lower()
    for name in _NAMES:
        if name in low:
            break
    else:
        return text
    if "-----BEGIN" in text:
        text = _BLOCK.sub(SECRET, text)
    if "cookie" in low or "authorization" in low:
        text = _HEADER.sub(rf"\1\2{SECRET}", text)
    text = _PAIR.sub(rf"\1\2{SECRET}", text)
    text = _BEARER.sub(rf"\1 {SECRET}", text)
    text = _OPAQUE.sub(rf"\1 {SECRET}", text)
    text = _OPTION.sub(rf"\1{SECRET}", text)
    if "://" in text:
        text = _URL.sub(f"://{SECRET}@", text)
    return _KNOWN.sub(SECRET, text)


ISSUED = "23456"
"""First digits of the networks that issue cards: milliseconds since 1970 (13 digits) begin with 1."""


def is_card(digits: str) -> bool:
    """Whether a number could be that of a payment card: 13 to 19 digits with Luhn's check digit (ISO/IEC 7812-1).

    >>> is_card("4111111111111111"), is_card("4111111111111112")
    (True, False)
    """
    if not (13 <= len(digits) <= 19 and digits.isascii() and digits.isdigit() and digits[0] in ISSUED):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
