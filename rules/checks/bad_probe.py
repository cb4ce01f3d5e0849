"""A probe or data check that could not be run as it is declared, or that expects what its kind cannot answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import re2

from rules.errors import Flaw
from rules.matchers import compiled
from rules.probes import DataCheck, Expectation, Probe, host_port

ID = "bad-probe"
_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_HOSTNAME = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}\.?)*")

FITS = {
    "http": {"status", "contains", "matches", "latency", "credential", "allow_private"},
    "tcp": {"contains", "matches", "latency", "allow_private"},
    "tls": {"days_left", "latency", "name", "allow_private"},
    "dns": {"records", "matches", "contains", "latency", "record", "server", "allow_private"},
    "sql": {"query", "rows_least", "rows_most", "value_least", "value_most", "equals", "latency"},
    "command": {"contains", "matches", "latency"},
}
"""Kind -> keys that mean something to it, beside those of every probe."""
SPECIAL = frozenset().union(*FITS.values())
TWO_SIDED = ("checksum", "compare")
FITS_CHECK = {
    "rows": {"database", "query", "least", "most"},
    "lag": {"database", "query", "most"},
    "gaps": {"database", "query", "most"},
    "checksum": {"left", "right"},
    "compare": {"left", "right", "tolerance", "percent"},
}
SPECIAL_CHECK = frozenset().union(*FITS_CHECK.values())


def statuses(value: object) -> tuple[tuple[int, int], ...]:
    """Ranges of HTTP statuses: ``[200-299, 404]``. Raises `Flaw`."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise Flaw(ID, "not a list of statuses", "write [200-299, 404]")
    found = []
    for text in texts:
        match = _RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise Flaw(ID, f"not a status or a range of them: {text!r}", "write 200 or 200-299")
        found.append((int(match[1]), int(match[2] or match[1])))
    return tuple(found)


def pattern(value: object) -> str:
    """An RE2 pattern. Raises `Flaw`."""
    text = value if isinstance(value, str) else ""
    if not text or len(text) > 2000:
        raise Flaw(ID, "not a pattern of up to 2000 characters")
    try:
        compiled(text)
    except re2.error as error:
        detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Flaw(ID, f"not a regular expression: {detail}", "RE2 syntax") from None
    return text


def consistent(probe: Probe, given: Collection[str]) -> Probe:
    """The probe itself; ``given`` are the keys that were written. Raises one `Flaw` with all that is wrong."""
    wrong = [*_unfit(probe.kind, FITS[probe.kind], SPECIAL, given), *_TARGETS[probe.kind](probe)]
    if probe.timeout > min(probe.every, probe.during_incident):
        wrong.append("timeout: longer than the probe's interval")
    if probe.expect.latency is not None and probe.expect.latency > probe.timeout:
        wrong.append("expect.latency: longer than the timeout")
    wrong += _ranges(probe.expect)
    _raise(wrong)
    return probe


def consistent_check(check: DataCheck, given: Collection[str]) -> DataCheck:
    """The check itself; ``given`` are the keys that were written. Raises one `Flaw` with all that is wrong."""
    wrong = list(_unfit(check.kind, FITS_CHECK[check.kind], SPECIAL_CHECK, given))
    needed = ("left", "right") if check.kind in TWO_SIDED else ("database", "query")
    wrong += [f"{key} is missing" for key in needed if key not in given]
    if check.kind in ("rows", "lag", "gaps") and check.least is None and check.most is None:
        wrong.append("it expects nothing: add most" + (" or least" if check.kind == "rows" else ""))
    if check.least is not None and check.most is not None and check.least > check.most:
        wrong.append("least is more than most")
    if check.tolerance and check.percent:
        wrong.append("tolerance and percent: one of them")
    for side in (check.left, check.right):
        wrong += _several(side.query) if side is not None else []
    _raise(wrong)
    return check


def _raise(wrong: list[str]) -> None:
    if wrong:
        raise Flaw(ID, "; ".join(dict.fromkeys(wrong)))


def _unfit(kind: str, fits: Collection[str], special: Collection[str], given: Collection[str]) -> Iterator[str]:
    for key in sorted(set(given) & set(special)):
        if key not in fits:
            yield f"{key} means nothing to {kind}"


def _ranges(expect: Expectation) -> Iterator[str]:
    for name, (least, most) in (("rows", expect.rows), ("value", expect.value)):
        if least is not None and most is not None and least > most:
            yield f"{name}_least is more than {name}_most"


def _url(probe: Probe) -> Iterator[str]:
    try:
        parts = urlsplit(probe.target)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or any(letter.isspace() for letter in probe.target):
        yield f"target: not an http or https URL: {probe.target[:100]!r}"
    elif "@" in parts.netloc:
        yield "target: no user or password in a URL; name a credential of the settings"


def _host(probe: Probe) -> Iterator[str]:
    try:
        host_port(probe.target)
    except ValueError as error:
        yield f"target: {error}"


def _name(probe: Probe) -> Iterator[str]:
    if not _HOSTNAME.fullmatch(probe.target):
        yield f"target: not a name to ask for: {probe.target[:100]!r}"
    if probe.server:
        try:
            host_port(probe.server, 53)
        except ValueError as error:
            yield f"server: {error}"
    elif probe.record not in ("A", "AAAA"):
        yield f"server is missing: the system's resolver has no {probe.record} records"
    if probe.record in ("A", "AAAA"):
        for record in probe.expect.records:
            if not _is_address(record):
                yield f"expect.records: not an address: {record[:100]!r}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _sql(probe: Probe) -> Iterator[str]:
    if not probe.query:
        yield "query is missing"
    yield from _several(probe.query)


def _several(query: str) -> list[str]:
    one = ";" not in query.strip().removesuffix(";")
    return [] if one else ["query: more than one statement, or a semicolon inside of one"]


def _nothing(probe: Probe) -> Iterator[str]:
    yield from ()


_TARGETS = {"http": _url, "tcp": _host, "tls": _host, "dns": _name, "sql": _sql, "command": _nothing}
