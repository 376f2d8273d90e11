"""Who may ask, and how often: keys that are known here by their hash alone, and a rate for each.

    python -m voxmood_gateway.keys anna        # a new key for Anna, and what to add to VOXMOOD_API_KEYS

A key is 32 random bytes: nobody finds it by trying, so one SHA-256 hides it well enough. Not done here: TLS, without
which the key can be read on its way.
"""

import hashlib
import logging
import secrets
import sys
import time
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException

from voxmood import BadAnswer
from voxmood_gateway.settings import NAME, Settings
from voxmood_service import ServiceError, Table

BEARER = HTTPBearer(auto_error=False, description="a key, where the operator gives them out")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
ANYONE = "anyone"  # whose requests are counted where no keys are set

logger = logging.getLogger("voxmood.gateway")


class OverRate(ServiceError):
    """The key has used up its requests."""


TABLE: Table = {OverRate: (429, "over_rate")}


def ours_refused() -> BadAnswer:
    """What callers hear when another's service refuses our own key, which is no business of theirs."""
    return BadAnswer("a service refused this gateway's key: its operator must set VOXMOOD_ASR_KEY")


class Gate:
    """Lets requests in that bear a known key and keep to its rate; without keys, all that keep to one rate together."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self.names = {digest: name for name, digest in settings.api_keys.items()}
        self.rate = parse(settings.rate_limit) if settings.rate_limit else None
        url = settings.redis_url
        storage = (
            RedisStorage(f"async+{url.get_secret_value()}", wrap_exceptions=True, implementation="redispy")
            if url
            else MemoryStorage()
        )
        self.limiter = MovingWindowRateLimiter(storage)
        self.requests = Counter("voxmood_key_requests", "Requests by key", ["key", "outcome"], registry=registry)

    async def __call__(self, given: Given) -> str:
        """The name of the key, for a request that counts. Raises HTTPException 401 or OverRate."""
        name = await self.known(given)
        wait = await self._wait(name)
        self.requests.labels(name, "limited" if wait else "allowed").inc()
        if wait:
            raise OverRate(f"more requests than {self.rate}: try again later", retry_after=wait)
        return name

    async def known(self, given: Given) -> str:
        """The name of the key, for a request that asks for no work. Raises HTTPException 401."""
        name = self.names.get(digest(given.credentials) if given else "") if self.names else ANYONE
        if name is None:
            self.requests.labels("unknown", "refused").inc()
            raise HTTPException(
                401, "a valid key is needed: send the header Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
            )
        return name

    async def _wait(self, name: str) -> float:
        """Seconds until this name may ask again; 0: now. Counts the request."""
        if self.rate is None:
            return 0
        try:
            if await self.limiter.hit(self.rate, name):
                return 0
            window = await self.limiter.get_window_stats(self.rate, name)
        except StorageError:
            # The queues behind still bound the load; refusing everyone would be the greater harm.
            logger.warning("the rate is not limited: Redis cannot be reached")
            return 0
        return max(1.0, window.reset_time - time.time())


def digest(key: str) -> str:
    """What is known of a key here."""
    return hashlib.sha256(key.encode()).hexdigest()


def main() -> None:
    """Make a key for the name given."""
    if len(sys.argv) != 2 or not NAME.fullmatch(sys.argv[1]):
        raise SystemExit("usage: python -m voxmood_gateway.keys NAME (of letters, digits, - and _)")
    key = secrets.token_urlsafe(32)
    print(f"the key, for who asks; it is shown once:\n  {key}\nadd to VOXMOOD_API_KEYS:\n  {sys.argv[1]}:{digest(key)}")


if __name__ == "__main__":
    main()
