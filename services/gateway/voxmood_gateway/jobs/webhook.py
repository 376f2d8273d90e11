"""Tells a caller's server that its job is done, signed as the Standard Webhooks specification says.

    python -m voxmood_gateway.jobs.webhook anna        # the secret with which Anna checks the signatures

Each key has a secret of its own, made of VOXMOOD_WEBHOOK_SECRET, so that nobody can sign for another. The message names
the job and holds nothing of it. A server is told at least once, and each time with the same `webhook-id`.

Callers choose the address, so it may not be one that only this machine can reach: names are resolved here, and what is
connected to is the address that was checked. No redirect is followed, no proxy asked.
"""

import asyncio
import base64
import hmac
import json
import logging
import socket
import ssl
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import IPv6Network, ip_address
from typing import Literal
from urllib.parse import urlsplit

import httpcore
from pydantic import SecretStr
from standardwebhooks import Webhook as Signer

from voxmood_gateway.jobs.models import Record
from voxmood_gateway.settings import Settings
from voxmood_service import read_settings

logger = logging.getLogger("voxmood.jobs")
SECONDS = 20.0  # for all of a try
TRANSLATED = IPv6Network("64:ff9b::/96")  # an address of version 4 behind NAT64
AZURE = ip_address("168.63.129.16")  # tells a machine in Azure about itself, at an address that looks public


class Private(Exception):
    """The address is not one of the public internet."""


class Webhook:
    """Tells webhooks, with connections that are made anew each time."""

    def __init__(self, settings: Settings) -> None:
        self.secret, self.private = settings.webhook_secret, settings.webhook_private
        backend = httpcore.AnyIOBackend() if self.private else Public()
        self.http = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(), max_keepalive_connections=0, network_backend=backend
        )

    async def close(self) -> None:
        """End."""
        await self.http.aclose()

    async def tell(self, job: Record) -> Literal["delivered", "again", "failed"]:
        """One try."""
        if self.secret is None:
            logger.warning("a webhook was not told: VOXMOOD_WEBHOOK_SECRET is not set any more")
            return "failed"
        now = datetime.now(UTC)
        message = {"type": "job.done", "timestamp": now.isoformat(), "data": {"id": job.id, "files": job.files}}
        body = json.dumps(message, separators=(",", ":"))
        name = f"{job.id}.done"
        headers: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "user-agent": "voxmood",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signer(key(self.secret, job.owner)).sign(name, now, body),
        }
        try:
            async with asyncio.timeout(SECONDS):
                timeout = {"connect": SECONDS, "read": SECONDS, "write": SECONDS}
                async with self.http.stream(
                    "POST", job.webhook or "", headers=headers, content=body.encode(), extensions={"timeout": timeout}
                ) as answer:
                    status = answer.status
        except Private:
            logger.warning("a webhook was not told: its address is not public")
            return "failed"
        except (TimeoutError, OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            return "again"
        if 200 <= status < 300:
            return "delivered"
        return "failed" if status == 410 else "again"  # "gone": it wants no more


class Public(httpcore.AsyncNetworkBackend):
    """Connects to addresses of the public internet only."""

    def __init__(self) -> None:
        self.backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109, httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises Private if any address of the host is private, or what the backend raises."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("no such host") from error
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        if not all(map(is_public, addresses)):
            raise Private
        for address in addresses[:-1]:
            try:
                return await self.backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self.backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await self.backend.sleep(seconds)


def key(secret: SecretStr, owner: str) -> bytes:
    """The secret of an API key."""
    return hmac.digest(secret.get_secret_value().encode(), owner.encode(), "sha256")


def is_public(address: str) -> bool:
    """Whether anybody on the internet can reach it; what hides one of version 4 in it (RFC 4291, 3056, 6052) is not."""
    ip = ip_address(address)
    if ip.version == 6 and (ip.ipv4_mapped or ip.sixtofour or ip in TRANSLATED):
        return False
    return ip.is_global and not ip.is_multicast and ip != AZURE


def fault(url: str, private: bool) -> str | None:
    """What is wrong with the address of a webhook, as far as it shows without asking anybody."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        url.encode("ascii")
    except ValueError:
        return "not a URL"
    if not host or len(url) > 1000 or any(char <= " " for char in url):
        return "not a URL"
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        return "must begin with https://"
    if parts.username is not None or parts.password is not None:
        return "must hold no name and no password"
    try:
        return None if private or is_public(host) else "must be a public address"
    except ValueError:
        return None  # a name: it is looked up when it is told


def main() -> None:
    """Print the secret of a key."""
    settings = read_settings(Settings)
    if len(sys.argv) != 2 or settings.webhook_secret is None:
        raise SystemExit("usage: VOXMOOD_WEBHOOK_SECRET=... python -m voxmood_gateway.jobs.webhook NAME")
    print(f"whsec_{base64.b64encode(key(settings.webhook_secret, sys.argv[1])).decode()}")


if __name__ == "__main__":
    main()
