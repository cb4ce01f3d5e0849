"""`headwater audit`: verify the record of decisions, and print its heads to keep elsewhere."""

from __future__ import annotations

from pathlib import Path

import msgspec

from api import bootstrap, settings
from api.commands.console import DONE, WRONG, Failed, progress, say
from api.kept import Kept
from engine.chain import Head, Report
from engine.chain import verify as verify_chain


class _Anchor(msgspec.Struct):
    domain: str
    seq: int
    link: str


def verify(config: Path | None, data: Path | None, anchors: Path | None, *, as_json: bool) -> int:
    """One line per domain: ok, erased or broken. 1 when one is broken."""
    known = _anchors(anchors) if anchors else {}
    reports: list[Report] = []
    with bootstrap.audit(_kept(config, data)) as record:
        heads = {head.domain: head for head in record.heads()}
        domains = sorted({*record.domains(), *heads, *known})
        with progress("verifying", len(domains)) as moved:
            for number, domain in enumerate(domains, 1):
                reports.append(_named(verify_chain(record.chain(domain), known.get(domain), heads.get(domain)), domain))
                moved(number)
    if as_json:
        say(msgspec.json.encode(reports).decode())
    else:
        for report in reports:
            say(in_words(report))
        say(_sum(reports))
    return DONE if all(report.intact for report in reports) else WRONG


def heads(config: Path | None, data: Path | None) -> int:
    """The end of every chain as a JSON array."""
    with bootstrap.audit(_kept(config, data)) as record:
        found = [_Anchor(head.domain, head.seq, head.link.hex()) for head in record.heads()]
    say(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    return DONE


def in_words(report: Report) -> str:
    """One line."""
    if not report.intact:
        return f"{report.domain}: BROKEN at record {report.broken_at}: {report.reason}"
    erased = f", {report.erased} of them erased" if report.erased else ""
    return f"{report.domain}: {'erased' if report.erased else 'ok'}, {report.records} records{erased}"


def _sum(reports: list[Report]) -> str:
    broken = sum(not report.intact for report in reports)
    total = sum(report.records for report in reports)
    if broken:
        return f"{broken} of {len(reports)} domains are broken: restore a backup, and find out who could write the file"
    return f"{total} records in {len(reports)} domains: nothing was changed, removed, moved or added"


def _named(report: Report, domain: str) -> Report:
    """An empty chain does not know its own name."""
    return msgspec.structs.replace(report, domain=domain)


def _anchors(file: Path) -> dict[str, Head]:
    try:
        found = msgspec.json.decode(file.read_bytes(), type=list[_Anchor])
        return {one.domain: Head(one.domain, one.seq, bytes.fromhex(one.link)) for one in found}
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise Failed(f"{file}: no heads can be read: {error}", "write it with: headwater audit heads") from None


def _kept(config: Path | None, data: Path | None) -> Kept:
    kept = settings.kept(config, data)
    if not kept.there:
        raise Failed(f"{kept}: there is no record of decisions", "name the data folder with --data")
    return kept
