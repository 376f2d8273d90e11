"""Run an app under uvicorn, with logs that hold a request id and nothing that a user sent."""

import logging.config
import signal
import sys

import uvicorn
from fastapi import FastAPI

from voxmood_service.app import Loading


def configure_logs(level: str) -> None:
    """One line an event on standard error: time, level, logger, request id, message."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request_id": {"()": "asgi_correlation_id.CorrelationIdFilter", "default_value": "-"}},
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(correlation_id)s %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
            # Other libraries log what they work on when asked for details (multipart headers, URLs): never below INFO.
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"voxmood": {"level": level}, "uvicorn": {"level": "WARNING"}},
        }
    )


def serve(app: FastAPI, loading: Loading, *, host: str, port: int, log_level: str) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress have 10 s to end. Exits 1 if the model cannot load."""
    configure_logs(log_level)
    # uvicorn raises the signal that stopped it once more when it is done: then the process ends with our status.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if loading.ready else 1))
    logging.getLogger("voxmood.service").info("listening on http://%s:%d", host, port)
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=10, server_header=False
    )
    uvicorn.Server(config).run()
    if not loading.ready:
        sys.exit(1)
