"""The stages of a request, by name: how long each takes, in a histogram, and as a span where tracing is on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.trace import Span, get_tracer
from prometheus_client import CollectorRegistry, Histogram

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
TRACER = get_tracer("voxmood")


def span(name: str) -> AbstractContextManager[Span]:
    """Trace the block under this name; without effect while tracing is off."""
    return TRACER.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


class Stages:
    """Times the stages of these names: `with stages("decode"): ...`."""

    def __init__(self, registry: CollectorRegistry, *names: str) -> None:
        about = "Time in a stage of a request"
        self.seconds = Histogram("voxmood_stage_seconds", about, ["stage"], registry=registry, buckets=SECONDS)
        for name in names:
            self.seconds.labels(name)  # there from the start, at 0

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the block, also one that fails."""
        with span(name), self.seconds.labels(name).time():
            yield

    def add(self, name: str, seconds: float) -> None:
        """A stage that was timed elsewhere."""
        self.seconds.labels(name).observe(seconds)
