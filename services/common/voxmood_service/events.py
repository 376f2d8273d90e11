"""Answers that come in parts, as server-sent events (HTML standard, section 9.2).

The work runs in a task of its own, so that a client that reads slowly holds nobody up, and ends when the client hangs
up. What fails before the first event is an ordinary answer with its own status; what fails later can only be an event.
Not done here: what the events are.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from voxmood_service.middleware import unforeseen
from voxmood_service.queue import unless_hung_up

KEEP_ALIVE = 15.0  # seconds of silence after which a proxy may think that nobody is there
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would collect the events


def event(data: object, name: str | None = None) -> bytes:
    """One event with a line of JSON."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False, separators=(",", ":")), event=name)


async def event_stream(
    request: Request, events: AsyncIterator[bytes], failed: Callable[[dict[str, Any]], bytes]
) -> EventSourceResponse:
    """Answer with `events`, of which there is at least one, as soon as the first is there.

    `failed` makes the last event of the problem details of what went wrong after it. The request's body must have been
    read. Raises what `events` raises before the first one, or HungUp.
    """
    parts: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    async def work() -> None:
        async for part in events:
            parts.put_nowait(part)

    async def run() -> None:
        try:
            await unless_hung_up(request, work())
            parts.put_nowait(None)
        except Exception as error:  # whatever it is, the client is waiting for an end
            parts.put_nowait(error)

    task = asyncio.create_task(run())
    first = await parts.get()
    if isinstance(first, Exception):
        raise first

    async def body() -> AsyncGenerator[bytes, None]:
        part: bytes | Exception | None = first
        while isinstance(part, bytes):
            yield part
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    part = await parts.get()
            except TimeoutError:
                part = KEEPALIVE_COMMENT
        if part:
            yield failed(await _problem(request, part))
        await task  # it has ended; until then this keeps it from being collected

    return EventSourceResponse(body(), headers=HEADERS)


async def _problem(request: Request, error: Exception) -> dict[str, Any]:
    """The problem details that the app would have answered."""
    handlers = request.app.exception_handlers
    handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
    response: Response = await handler(request, error) if handler else unforeseen(error)
    problem: dict[str, Any] = json.loads(bytes(response.body))
    return problem
