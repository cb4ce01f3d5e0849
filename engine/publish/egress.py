"""The one client for outgoing requests, and the one guard before every connection to a place Headwater was told of.

A request goes only to a declared destination, compared by scheme, host and port. Its name is resolved, every address
is checked, and the connection goes to a checked address, with the name kept for the Host header and for TLS:
what was checked is what is connected to (no rebinding). No redirects, no proxies, no cookies, no decompression; the
answer is cut at 1 MiB; the whole exchange has one deadline. What is no HTTP (mail) takes its address from `checked`
and keeps the same `deadline`.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import msgspec

MAX_ANSWER = 1 << 20
PORTS = {"http": 80, "https": 443}

# Always refused, whatever is declared: nobody's ticketing system lives there.
METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))
GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# Teredo and 6to4 carry an IPv4 address; the others are special-purpose by IANA's registries, not in every Python's.
SPECIAL = tuple(
    map(ipaddress.ip_network, ("2001::/23", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24", "0.0.0.0/8"))
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
"""(host, port) -> addresses as text."""


class EgressRefused(Exception):
    """The request was not made: the destination is not one we may talk to."""


class EgressFailed(Exception):
    """The request was made and no answer came; ``sent`` says whether the receiver may have it."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class Destination(msgspec.Struct, frozen=True):
    """A declared receiver. ``allow_private`` lets its name lead to private and loopback addresses."""

    url: str
    allow_private: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What came back; ``body`` is cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """The system's answer to who this is."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def refusal(address: Address, *, allow_private: bool) -> str:
    """Why this address may not be connected to; empty when it may."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address in METADATA or address.is_link_local:
        return "a link-local or metadata address"
    if address.is_multicast or address.is_unspecified or address == ipaddress.ip_address("255.255.255.255"):
        return "not a host's address"
    if allow_private and (address.is_loopback or address.is_private or not address.is_global):
        return ""
    if address.is_loopback or address.is_private or not address.is_global or address.is_reserved:
        return "a private, loopback or reserved address, and the destination is not declared allow_private"
    if any(address in block for block in SPECIAL) or (address.version == 6 and address not in GLOBAL_V6):
        return "a special-purpose address, or one that leads through a translator or tunnel"
    return ""


def checked(host: str, port: int, *, allow_private: bool, resolve: Resolve = resolve) -> str:
    """The address to connect to under this name; every address of the name must be allowed.

    Raises `EgressRefused` and `EgressFailed`."""
    if "%" in host:
        raise EgressRefused(f"{host} has a zone, which only an address of a local link needs")
    try:
        found = [str(one).partition("%")[0] for one in resolve(host, port)]
        addresses = [ipaddress.ip_address(one) for one in found]
    except (OSError, UnicodeError, ValueError) as error:
        raise EgressFailed(f"{host} cannot be resolved: {error}", sent=False) from error
    if not addresses:
        raise EgressFailed(f"{host} has no address", sent=False)
    for address in addresses:
        if why := refusal(address, allow_private=allow_private):
            raise EgressRefused(f"{host} leads to {address}: {why}")
    return str(addresses[0])


class Egress:
    """A client for the declared ``destinations``. Thread-safe. An answer is cut at ``most`` bytes. ``client``: a
    `plain_client` to be shared; its maker closes it."""

    def __init__(
        self,
        destinations: Iterable[Destination],
        *,
        timeout: float = 10.0,
        deadline: float = 20.0,
        resolve: Resolve = resolve,
        most: int = MAX_ANSWER,
        client: httpx.Client | None = None,
    ) -> None:
        self._allowed = {_key(_parse(one.url)): one.allow_private for one in destinations}
        self._timeout, self._deadline, self._resolve, self._most = timeout, deadline, resolve, most
        self._client = client or plain_client()

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """POST to a declared destination. Raises `EgressRefused` and `EgressFailed`; any status is an `Answer`."""
        return self._request("POST", url, content, headers)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET from a declared destination; as `post`."""
        return self._request("GET", url, None, headers or {})

    def put(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """PUT to a declared destination; as `post`."""
        return self._request("PUT", url, content, headers)

    def patch(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """PATCH at a declared destination; as `post`."""
        return self._request("PATCH", url, content, headers)

    def delete(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """DELETE at a declared destination; as `post`."""
        return self._request("DELETE", url, None, headers or {})

    def close(self) -> None:
        """Give up what is open."""
        self._client.close()

    def _request(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        target = _parse(url)
        address = self._checked(target)
        sent = False
        with deadline(self._deadline) as watch:

            def trace(event: str, info: Mapping[str, Any]) -> None:
                nonlocal sent
                sent = sent or event == "http11.send_request_headers.started"
                stream = info.get("return_value")
                if stream is not None and hasattr(stream, "get_extra_info"):
                    watch(stream.get_extra_info("socket"))

            try:
                with self._client.stream(
                    method,
                    target.copy_with(host=address),
                    content=content,
                    timeout=self._timeout,
                    headers={"Accept-Encoding": "identity", **headers, "Host": target.netloc.decode("ascii")},
                    extensions={"sni_hostname": target.raw_host.decode("ascii"), "trace": trace},
                ) as response:
                    return Answer(response.status_code, dict(response.headers), _read(response, self._most))
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise EgressFailed(f"{type(error).__name__}: {error}", sent=sent) from error

    def _checked(self, target: httpx.URL) -> str:
        """The address to connect to."""
        key = _key(target)
        if key not in self._allowed:
            raise EgressRefused(f"{key[0]}://{key[1]}:{key[2]} is not a declared destination")
        return checked(key[1], key[2], allow_private=self._allowed[key], resolve=self._resolve)


def plain_client(trust: ssl.SSLContext | bool = True) -> httpx.Client:
    """No redirects, no proxies, no cookies; no connection is kept: each request is checked anew, and none can meet a
    connection that just died. ``trust`` decides which certificates are believed; True: those of public authorities."""
    return httpx.Client(
        verify=trust,
        limits=httpx.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "headwater"},
    )


def _parse(url: str) -> httpx.URL:
    """A plain http(s) URL. A user part is refused: it exists to make a host look like another."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise EgressRefused(f"not a URL: {error}") from None
    if parsed.scheme not in PORTS:
        raise EgressRefused(f"the scheme {parsed.scheme!r} is not http or https")
    if not parsed.raw_host or parsed.userinfo:
        raise EgressRefused("the URL has no host, or a user before it")
    return parsed


def _key(url: httpx.URL) -> tuple[str, str, int]:
    host = url.raw_host.decode("ascii").lower().rstrip(".")
    return url.scheme, host, url.port or PORTS[url.scheme]


def _read(response: httpx.Response, most: int) -> bytes:
    """The raw body up to the cap. An answer that breaks off after its status still counts by its status."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_raw(65_536):
            parts.append(part)
            size += len(part)
            if size >= most:
                break
    except httpx.HTTPError:
        return b"".join(parts)
    return b"".join(parts)[:most]


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[Any], None]]:
    """Shut the watched sockets when the time is up: a timeout per read alone lets a slow sender hold us for ever."""
    sockets: list[Any] = []
    end = time.monotonic() + seconds

    def shut() -> None:
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already

    def watch(one: Any) -> None:
        sockets.append(one)
        if time.monotonic() >= end:
            shut()

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
