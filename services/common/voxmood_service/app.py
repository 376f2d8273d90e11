"""The frame of a service: one FastAPI app with request ids, limits, problem details, health and metrics.

Not done here: anything about audio or text.
"""

import asyncio
import inspect
import logging
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, Gauge, Info

from voxmood_service.headers import SecurityHeaders
from voxmood_service.middleware import BodyLimit, LastResort
from voxmood_service.problems import NotReady, Table, documented, install
from voxmood_service.watch import Watch, measure

logger = logging.getLogger("voxmood.service")
FORM_OVERHEAD = 100_000  # multipart boundaries and the other fields, beside the largest file


def is_request_id(value: str) -> bool:
    """Take a caller's id when it is short and plain: it is written to logs."""
    return re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value) is not None


class Loading:
    """A model on its way: loads in a thread while the service already answers `/livez`, `/readyz` and 503s.

    What `load` returns is awaited if it can be: a connection is opened where it is used.
    """

    def __init__(self, load: Callable[[], Awaitable[None] | None]) -> None:
        self.load = load
        self.ready = False

    async def run(self) -> None:
        """Load; when that fails, say why and stop the process with a status other than 0."""
        try:
            opening = await asyncio.to_thread(self.load)
            if opening is not None:
                await opening
            self.ready = True
            logger.info("ready")
        except Exception as error:
            # The message names a file or a setting, never a user's input: none has been read yet.
            logger.critical("cannot start: %s", error)
            signal.raise_signal(signal.SIGTERM)

    def require(self) -> None:
        """Raise NotReady until loaded: what every route that needs the model depends on."""
        if not self.ready:
            raise NotReady("the model is still loading: try again in a few seconds", retry_after=2)


def service_app(
    *,
    title: str,
    version: str,
    description: str,
    table: Table,
    max_bytes: int,
    larger: Mapping[str, int] | None = None,
    registry: CollectorRegistry,
    model: Callable[[], str] = str,
    load: Callable[[], Awaitable[None] | None] | None = None,
    check: Callable[[], Awaitable[None]] | None = None,
    close: Callable[[], Awaitable[None]] | None = None,
) -> tuple[FastAPI, Loading]:
    """Build the frame.

    `load` runs once, in a thread, at start; then `model` names what it has loaded. `check` runs at each `/readyz` and
    raises NotReady or a table's error. `close` runs at the end. `max_bytes` bounds a file; the whole body may be
    slightly larger; `larger` says how much the paths in it take instead.
    """
    loading = Loading(load or (lambda: None))
    built = Info("voxmood_build", "What runs here: version and model", registry=registry)
    ready = Gauge("voxmood_ready", "Whether what the service loads at its start is loaded", registry=registry)

    async def start() -> None:
        await loading.run()
        if loading.ready:
            built.info({"version": version, "model": model()})
            ready.set(1)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(start())
        yield
        if inspect.iscoroutinefunction(load):
            task.cancel()  # a thread must be waited for
        await asyncio.wait({task})
        if close:
            await close()

    app = FastAPIOffline(title=title, version=version, description=description, lifespan=lifespan)
    install(app, table)
    # The last one added is the outermost.
    limits = {path: limit + FORM_OVERHEAD for path, limit in (larger or {}).items()}
    app.add_middleware(BodyLimit, max_bytes=max_bytes + FORM_OVERHEAD, larger=limits)
    measure(app, registry)
    app.add_middleware(LastResort)
    app.add_middleware(Watch, registry=registry)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(CorrelationIdMiddleware, validator=is_request_id)

    @app.get("/livez", tags=["health"])
    async def livez() -> dict[str, str]:
        """The process runs."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"], responses=documented(503))
    async def readyz() -> dict[str, str]:
        """The model is loaded and warmed up."""
        loading.require()
        if check:
            await check()
        return {"status": "ready"}

    return app, loading
