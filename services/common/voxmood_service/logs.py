"""Logs as JSON, one object a line on standard error, with a request id and nothing that a user sent.

What others log is the danger: the message of an exception may quote the input, and so may a library's. So exceptions
are logged by their type and place, of a library's message the part that its author wrote, and no field but those named
here. Not done here: which requests are logged, see watch.py.
"""

import logging.config
import traceback
from typing import Any

from opentelemetry.trace import format_trace_id, get_current_span
from pythonjsonlogger.json import JsonFormatter

FIELDS = (
    *("timestamp", "level", "logger", "request_id", "trace_id", "message"),
    *("method", "route", "status", "seconds", "code", "exception"),
)
CALLBACK = "Exception in callback"  # asyncio goes on with the arguments of the call


class Formatter(JsonFormatter):
    """A record as a JSON object of those of FIELDS that it has."""

    def format(self, record: logging.LogRecord) -> str:
        """As above."""
        if not record.name.startswith("voxmood"):
            record = logging.makeLogRecord({**record.__dict__, "msg": fixed_part(record), "args": None})
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """The exception without its message."""
        return describe(ei[1]) if ei[1] else ""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Put the fields in order, and leave out all others."""
        span = get_current_span().get_span_context()
        if span.is_valid:
            log_data["trace_id"] = format_trace_id(span.trace_id)
        return {name: log_data[name] for name in FIELDS if log_data.get(name) is not None}


def fixed_part(record: logging.LogRecord) -> str:
    """The first line of what a library says, without what it puts in. What uvicorn puts in are ports and numbers."""
    if record.name.startswith("uvicorn"):
        message = record.getMessage()
    else:
        message = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    if message.startswith(CALLBACK):
        return CALLBACK
    return message.partition("\n")[0]


def describe(error: BaseException) -> str:
    """An exception as it may be logged: its type and where it happened. Its message might quote what was sent."""
    return f"{type(error).__name__} at\n{''.join(traceback.format_tb(error.__traceback__))}"


def configure_logs(level: str) -> None:
    """Log to standard error; `level` is for what Voxmood itself logs."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request_id": {"()": "asgi_correlation_id.CorrelationIdFilter"}},
            "formatters": {
                "json": {
                    "()": Formatter,
                    "fmt": "%(levelname)s %(name)s %(correlation_id)s %(message)s",
                    "rename_fields": {
                        "levelname": "level",
                        "name": "logger",
                        "correlation_id": "request_id",
                        "exc_info": "exception",
                    },
                    "timestamp": True,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}},
            # Other libraries log what they work on when asked for details (multipart headers, URLs): never below INFO.
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "voxmood": {"level": level},
                "uvicorn": {"level": "WARNING"},
                "python_multipart": {"level": "ERROR"},  # warns of each broken form, which its sender is told anyway
            },
        }
    )
