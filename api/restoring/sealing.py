"""A forensic bundle: a zip whose manifest names every file with its SHA-256, linked into one hash chain.

The chain begins with the digest of the header (which incident, who, when, why, the seal of the bundle before); each
file's link is ``SHA-256(previous || length of path || path || size || SHA-256 of content)``, lengths and sizes in 8
bytes, big-endian; the last link is the *seal*. Whoever has the seal (the timeline and the record of decisions keep it)
sees whether anything was changed, removed, renamed or added.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec

from engine.signals import Millis

FORMAT = "headwater-bundle-1"
MANIFEST = "manifest.json"
MOST = 4 << 30
"""Bytes that a bundle may unpack to; what says more is not read."""
LISTED = 64 << 20
"""Bytes of a manifest."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Which incident, when, by whom and why; ``previous`` is the seal of the bundle of it that was made before."""

    format: str = FORMAT
    incident: str
    made_at: Millis
    made_by: str
    reason: str
    version: str
    previous: str = ""


class Sealed(msgspec.Struct, frozen=True):
    """A file of the bundle."""

    path: str
    size: int
    sha256: str
    link: str


class Manifest(msgspec.Struct, frozen=True):
    """The header, all files in the order of the chain, and its end."""

    header: Header
    files: tuple[Sealed, ...]
    seal: str


def seal(header: Header, files: Mapping[str, bytes]) -> tuple[bytes, Manifest]:
    """The bundle, and its manifest."""
    link, listed, packed = _genesis(header), [], io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            content = files[path]
            digest = hashlib.sha256(content).digest()
            link = _link(link, path, len(content), digest)
            listed.append(Sealed(path, len(content), digest.hex(), link.hex()))
            _put(archive, path, content)
        manifest = Manifest(header, tuple(listed), link.hex())
        _put(archive, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return packed.getvalue(), manifest


def manifest_of(file: BinaryIO) -> Manifest:
    """What a bundle says of itself. Raises ValueError where it is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _manifest(archive)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"not a bundle: {error}") from None


def verify(file: BinaryIO, expected: str = "") -> tuple[Manifest | None, list[str]]:
    """The manifest, and everything that is wrong; ``expected`` is the seal as it was kept elsewhere. Never raises for
    what is in the file."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            return manifest, list(_faults(archive, manifest, expected))
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        return None, [f"not a bundle: {error}"]


def _faults(archive: zipfile.ZipFile, manifest: Manifest, expected: str) -> Iterator[str]:
    header, link = manifest.header, _genesis(manifest.header)
    if header.format != FORMAT:
        yield f"the format {header.format!r} is not known"
    if sum(one.file_size for one in archive.infolist()) > MOST:
        yield "it says that it unpacks to more than can be looked at"
        return
    named = [one.filename for one in archive.infolist() if one.filename != MANIFEST]
    listed = [one.path for one in manifest.files]
    yield from (f"{path} was added: the manifest does not name it" for path in sorted(set(named) - set(listed)))
    yield from (f"{path} is there more than once" for path in sorted({one for one in named if named.count(one) > 1}))
    for one in manifest.files:
        size, digest = _content(archive, one.path)
        if digest is None:
            yield f"{one.path} is missing, or cannot be read"
        elif (size, digest.hex()) != (one.size, one.sha256):
            yield f"{one.path} was changed: its SHA-256 is {digest.hex()}, the manifest says {one.sha256}"
        try:
            link = _link(link, one.path, one.size, bytes.fromhex(one.sha256))
        except ValueError:
            yield f"{one.path}: {one.sha256!r} is no digest"
        if link.hex() != one.link:
            yield f"{one.path} does not link to the file before it"
            link = bytes.fromhex(one.link) if len(one.link) == 64 else link
    if link.hex() != manifest.seal:
        yield "the seal is not the end of the chain"
    if expected and expected != manifest.seal:
        yield f"the seal is {manifest.seal}, not {expected}"


def _content(archive: zipfile.ZipFile, path: str) -> tuple[int, bytes | None]:
    size, digest = 0, hashlib.sha256()
    try:
        with archive.open(path) as content:
            while part := content.read(1 << 20):
                size += len(part)
                digest.update(part)
    except (KeyError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        return 0, None
    return size, digest.digest()


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > LISTED:
        raise ValueError("its manifest is too large")
    with archive.open(MANIFEST) as content:
        return msgspec.json.decode(content.read(LISTED), type=Manifest)


def _genesis(header: Header) -> bytes:
    return hashlib.sha256(msgspec.json.encode(header)).digest()


def _link(previous: bytes, path: str, size: int, digest: bytes) -> bytes:
    name = path.encode()
    return hashlib.sha256(
        b"".join((previous, len(name).to_bytes(8, "big"), name, size.to_bytes(8, "big"), digest))
    ).digest()


def _put(archive: zipfile.ZipFile, path: str, content: bytes) -> None:
    """The same bytes give the same bundle: no times, no rights of this machine."""
    info = zipfile.ZipInfo(path, _LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    archive.writestr(info, content)
