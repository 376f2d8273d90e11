"""Errors as problem details (RFC 9457, `application/problem+json`) with a stable `code`.

    ServiceError                 message for the user, optional Retry-After
    +-- NotReady                 the model is still loading
    +-- Busy                     the queue is full
    +-- HungUp                   the client went away before its answer
    +-- (each service's own)     mapped to a status and a code by that service's table

Not done here: deciding which error it is. What no table names becomes a 500 without details.
"""

import errno
from collections.abc import Mapping
from http.client import responses
from typing import Any, TypeAlias

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
CODE = "voxmood.code"  # where an answered problem leaves its code in the ASGI scope, for logs and metrics


class ServiceError(Exception):
    """An error that a user may read: the message says what to do. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReady(ServiceError):
    """The service runs but cannot answer yet."""


class Busy(ServiceError):
    """The queue is full: nothing was begun."""


class HungUp(ServiceError):
    """The client went away: the answer reaches nobody, but the log shows why there was none."""


Table: TypeAlias = Mapping[type[ServiceError], tuple[int, str]]
"""Which status and which stable code an error has."""


COMMON: Table = {NotReady: (503, "not_ready"), Busy: (429, "busy"), HungUp: (499, "hung_up")}
# What the framework refuses by itself. Python's own names of the statuses change between versions.
CODES = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "not_supported"}


class ProblemBody(BaseModel):
    """The body of every error."""

    type: str = Field("about:blank", description="always about:blank: `code` tells errors apart")
    title: str = Field(description="the name of the status")
    status: int
    code: str = Field(description="stable name of the error, for programs")
    detail: str = Field(description="what went wrong and what to do, for people")
    request_id: str | None = Field(None, description="also in the X-Request-ID header and in the logs")


class Problem(JSONResponse):
    """An answer whose code the layers around it can see."""

    def __init__(self, body: ProblemBody, headers: Mapping[str, str]) -> None:
        super().__init__(body.model_dump(), body.status, dict(headers), media_type=MEDIA_TYPE)
        self.code = body.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        scope[CODE] = self.code
        await super().__call__(scope, receive, send)


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """Build the answer for one error."""
    body = ProblemBody(
        type="about:blank",
        title=responses.get(status, "Client Closed Request"),
        status=status,
        code=code,
        detail=detail,
        request_id=correlation_id.get(),
    )
    return Problem(body, headers or {})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer these errors."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
    return {
        status: {"description": responses[status], "model": ProblemBody, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def install(app: FastAPI, table: Table) -> None:
    """Answer the table's errors, wrong fields (422) and unknown paths as problem details."""
    known: Table = {**COMMON, **table}

    async def known_error(_: Request, error: ServiceError) -> JSONResponse:
        status, code = next(known[kind] for kind in type(error).__mro__ if kind in known)
        wait = error.retry_after
        return problem(status, code, str(error), {} if wait is None else {"Retry-After": str(max(1, round(wait)))})

    async def wrong_fields(_: Request, error: RequestValidationError) -> JSONResponse:
        # Only where and what: pydantic's message for a value error may quote the value, so the input stays out.
        places = [_told(item) for item in error.errors()]
        return problem(422, "invalid_request", "; ".join(places))

    async def full(_: Request, error: OSError) -> JSONResponse:
        if error.errno != errno.ENOSPC:
            raise error
        detail = "too many uploads at once, there is no room for this one: try again"
        return problem(503, "no_room", detail, {"Retry-After": "5"})

    async def gone(request: Request, _: ClientDisconnect) -> JSONResponse:
        return await known_error(request, HungUp("the client went away before it had sent everything"))

    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, OSError):  # FastAPI takes it for a broken form
            return await full(request, error.__cause__)
        headers = error.headers
        if error.status_code == 405:  # Starlette names the methods of the first route with this path alone
            routes = [route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE]
            headers = {"Allow": ", ".join(sorted({name for route in routes for name in getattr(route, "methods", ())}))}
        return problem(error.status_code, CODES.get(error.status_code, "bad_request"), error.detail, headers)

    for kind in known:
        app.exception_handler(kind)(known_error)
    app.exception_handler(RequestValidationError)(wrong_fields)
    app.exception_handler(HTTPException)(refused)
    app.exception_handler(ClientDisconnect)(gone)
    app.exception_handler(OSError)(full)


def _told(fault: Mapping[str, Any]) -> str:
    """Where and what, of a fault that pydantic found."""
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
