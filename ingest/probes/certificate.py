"""The end of a certificate's validity, read from its DER: the standard library tells it only of a trusted one.

Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version OPTIONAL, serialNumber, signature, issuer,
validity SEQUENCE { notBefore, notAfter }, … } … } (RFC 5280, 4.1).
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.signals import Millis

SEQUENCE, UTC_TIME, GENERALIZED, VERSION = 0x30, 0x17, 0x18, 0xA0


def ends(der: bytes) -> Millis:
    """Milliseconds since the epoch of ``notAfter``. ValueError when it is no certificate."""
    _, whole, _ = _element(der, 0)
    _, body, _ = _element(whole, 0)
    tag, _, at = _element(body, 0)
    for _ in range(3 if tag == VERSION else 2):  # serial number, signature, issuer
        _, _, at = _element(body, at)
    tag, validity, _ = _element(body, at)
    if tag != SEQUENCE:
        raise ValueError("no validity where it belongs")
    _, _, at = _element(validity, 0)
    tag, text, _ = _element(validity, at)
    return _moment(tag, text.decode("ascii"))


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """(tag, content, where the next one begins)"""
    if at + 2 > len(data):
        raise ValueError("it breaks off")
    tag, length, begin = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("a length that DER does not have")
        length, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    if begin + length > len(data):
        raise ValueError("it breaks off")
    return tag, data[begin : begin + length], begin + length


def _moment(tag: int, text: str) -> Millis:
    if tag == UTC_TIME:  # two digits of the year: 50 to 99 are of the last century (RFC 5280, 4.1.2.5.1)
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED:
        raise ValueError("no time where it belongs")
    return round(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)
