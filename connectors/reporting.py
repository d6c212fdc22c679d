"""Posting reports to addresses that others have named: never into the network around us, never along a redirection."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

SECONDS = 10.0
CONNECTIONS = 20
# Of IPv6 only this is given out to hosts of the open internet, and in it not what carries IPv4 addresses or is for documents only.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_CLOSED = tuple(
    ipaddress.ip_network(each)
    for each in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",  # documents
        "192.88.99.0/24",  # relays of 6to4
    )
)
# What a network without IPv4 makes of a public IPv4 address: as good as that.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotHeard(Exception):
    """It was not heard; the message says why, and holds no address."""


class Inside(OSError):
    """The name leads into a network that is nobody's business."""


def outside(address: str) -> bool:
    """Is this an address on the open internet? What is private, local, reserved, shared or given to many is not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None or found in _NAT64:
            return outside(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found not in _GLOBAL_UNICAST:
            return False
    return found.is_global and not found.is_multicast and not any(found in network for network in _CLOSED)


class _OnlyOutside(AbstractResolver):
    """Gives the connection itself only addresses that were checked: nobody can change the name's answer in between."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(outside(one["host"]) for one in found):
            raise Inside("not on the open internet")
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Reporter:
    """Posts reports. `near` allows plain http and the network around us: for tests, and for shops of one house."""

    def __init__(self, *, near: bool = False, seconds: float = SECONDS) -> None:
        self._near = near
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Post it; any 200 is "heard", and nothing of the answer is read. Raises NotHeard."""
        trouble = ""
        try:
            to = URL(url)
            if not self._near:
                self._check(to)
            # Exactly as it was named: what is signed does not cover the address, but its words may.
            async with self._open().post(to, headers=dict(headers), data=body, allow_redirects=False, timeout=self._timeout) as answer:
                if answer.status != 200:
                    trouble = f"status {answer.status}"
        except Inside:
            trouble = "its address is not on the open internet"
        except aiohttp.ClientConnectorError as error:
            trouble = "its address is not on the open internet" if isinstance(error.os_error, Inside) else "no connection"
        except TimeoutError:
            trouble = "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            trouble = type(error).__name__
        if trouble:
            # Raised here and not in there: an error of the library holds the address.
            raise NotHeard(trouble)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _check(self, to: URL) -> None:
        if to.scheme != "https" or not to.host:
            raise ValueError("https only")
        try:
            ipaddress.ip_address(to.host)
        except ValueError:
            return  # A name: it is checked when it is resolved.
        if not outside(to.host):
            raise Inside("not on the open internet")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = None if self._near else _OnlyOutside()
            self._session = aiohttp.ClientSession(
                # No kept connection: a name is checked each time it is used.
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, resolver=resolver, use_dns_cache=False, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session
