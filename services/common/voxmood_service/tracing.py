"""Traces, where VOXMOOD_OTLP_ENDPOINT is set: OpenTelemetry's SDK, FastAPI and httpx made to report to it.

What instrumentations note of a request is far too much (addresses, whole URLs, user agents, messages of exceptions), so
each span is reduced before it leaves the process to its name, its times and the attributes named here. A collector that
cannot be reached costs requests nothing: spans wait in a bounded queue, and are lost when it is full.
"""

import os
from collections.abc import Sequence

import httpx
from fastapi import FastAPI
from opentelemetry import propagate
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from voxmood_service.watch import QUIET

KEPT = ("http.request.method", "http.response.status_code", "http.route", "error.type")
TIMEOUT = 2.0  # seconds for an export: the last one is made when the process ends


def trace(app: FastAPI, name: str, endpoint: str) -> None:
    """Trace what this process serves and asks, from now to its end, as the service of this name."""
    health = ",".join(f"{path}$" for path in sorted(QUIET))
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"  # the names of attributes that are stable
    os.environ["OTEL_PYTHON_HTTPX_EXCLUDED_URLS"] = health
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": app.version}))
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(Reduced(exporter)))
    api.set_tracer_provider(provider)
    propagate.set_global_textmap(TraceContextTextMapPropagator())  # not baggage, which carries what anybody puts in
    FastAPIInstrumentor.instrument_app(app, excluded_urls=health, exclude_spans=["receive", "send"])
    HTTPXClientInstrumentor().instrument(async_request_hook=call_by_path)


async def call_by_path(span: api.Span, request: RequestInfo) -> None:
    """Name a request to another service by its path, which is fixed in the client."""
    span.update_name(f"{request.method.decode()} {httpx.URL(str(request.url)).path}")


class Reduced(SpanExporter):
    """Exports spans without anything that a request brought."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export."""
        return self.exporter.export([reduced(span) for span in spans])

    def shutdown(self) -> None:
        """Close."""
        self.exporter.shutdown()


def reduced(span: ReadableSpan) -> ReadableSpan:
    """The span with its KEPT attributes: no events (messages of exceptions), no state that came in a header."""
    attributes = span.attributes or {}
    return ReadableSpan(
        span.name,
        context=stateless(span.context),
        parent=stateless(span.parent),
        resource=span.resource,
        attributes={name: attributes[name] for name in KEPT if name in attributes},
        kind=span.kind,
        status=api.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def stateless(context: api.SpanContext | None) -> api.SpanContext | None:
    """The same ids, without `tracestate`."""
    return context and api.SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
