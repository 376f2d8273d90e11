"""Run an app under uvicorn, with logs, and traces where the settings want them."""

import logging
import signal
import sys

import uvicorn
from fastapi import FastAPI

from voxmood_service.app import Loading
from voxmood_service.logs import configure_logs
from voxmood_service.settings import ServiceSettings


def serve(app: FastAPI, loading: Loading, settings: ServiceSettings, *, name: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress have 10 s to end. Exits 1 if the model cannot load."""
    configure_logs(settings.log_level)
    if settings.otlp_endpoint:
        from voxmood_service.tracing import trace  # who does not trace need not load what it takes

        trace(app, name, settings.otlp_endpoint)
    # uvicorn raises the signal that stopped it once more when it is done: then the process ends with our status.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if loading.ready else 1))
    logging.getLogger("voxmood.service").info("listening on http://%s:%d", settings.host, port)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    uvicorn.Server(config).run()
    if not loading.ready:
        sys.exit(1)
