"""What can be seen of a service from outside: a line in the log for each request, and the metrics all services have.

Labels and fields hold routes, not paths, and methods that there are, so that nothing a caller made up is in them.
Not done here: the form of the log (logs.py), traces (tracing.py).
"""

import logging
import re
import time

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxmood_service.problems import CODE
from voxmood_service.stages import SECONDS

logger = logging.getLogger("voxmood.http")
QUIET = {"/livez", "/readyz", "/metrics"}  # asked every few seconds
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
OTHER = "_OTHER"  # OpenTelemetry's word for any other


def measure(app: FastAPI, registry: CollectorRegistry) -> None:
    """Count and time requests by route, and publish all metrics at `/metrics`."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series: twice as many, and nobody asks
    ProcessCollector(registry=registry)
    instrumentator = Instrumentator(registry=registry, excluded_handlers=sorted(QUIET))
    instrumentator.instrument(app, latency_lowr_buckets=SECONDS).expose(
        app, tags=["health"], response_class=PlainTextResponse
    )


class Watch:
    """Logs each request when it ends, counts those at work and those that ended with a problem."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self.running = Gauge("voxmood_requests_in_progress", "Requests not answered yet", registry=registry)
        self.problems = Counter("voxmood_problems", "Requests that ended with a problem", ["code"], registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] not in METHODS:
            scope["method"] = OTHER
        if scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        status, started = None, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.running.track_inprogress():
            await self.app(scope, receive, watched)
        seconds = round(time.perf_counter() - started, 3)
        route = getattr(scope.get("route"), "path", "-")
        code = scope.get(CODE)
        if code:
            code = code if re.fullmatch("[a-z_]{1,32}", code) else "other"  # that of another server may be anything
            self.problems.labels(code).inc()
        fields = {"method": scope["method"], "route": route, "status": status, "seconds": seconds, "code": code}
        logger.info("%s %s %s", scope["method"], route, status or "hung up", extra=fields)
