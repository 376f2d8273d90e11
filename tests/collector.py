"""A receiver of traces: a real HTTP server that takes what real exporters send (OTLP, protobuf over HTTP)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What has arrived at `url`: the bytes of each request, and the spans in them with the service that sent them."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def spans(self) -> list[tuple[str, Span]]:
        """All spans, as (service, span)."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                (service,) = (it.value.string_value for it in resource.resource.attributes if it.key == "service.name")
                found += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def until(self, *names: str, within: float = 30) -> list[tuple[str, Span]]:
        """Return the spans once there is one of each of these names."""
        with self.news:
            arrived = self.news.wait_for(lambda: {span.name for _, span in self.spans()} >= {*names}, within)
        assert arrived, sorted(span.name for _, span in self.spans())
        return self.spans()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector while the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with collector.news:
                collector.bodies.append(body)
                collector.news.notify_all()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
