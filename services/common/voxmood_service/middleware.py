"""Two ASGI layers: a body limit that is enforced while the body streams in, and a last resort for unforeseen errors.

Plain ASGI, so that a handler still sees its client hang up. Not done here: routing, or any known error.
"""

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxmood_service.logs import describe
from voxmood_service.problems import problem

logger = logging.getLogger("voxmood.http")


class BodyLimit:
    """Refuse bodies over `max_bytes` with 413: by Content-Length before reading, or while reading what has none.

    For the paths in `larger`, what stands there is the limit.

    A connection that is closed while its client still sends is reset, and the answer lost with it. So a client that
    did not wait for permission (Expect: 100-continue) is let send as much again, which is thrown away.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, larger: Mapping[str, int]) -> None:
        self.app, self.max_bytes, self.larger = app, max_bytes, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], self.max_bytes)
        detail = f"the request is larger than {limit / 1e6:.3g} MB: send less, or have its operator raise the limit"
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            if b"expect" not in headers:
                await _discard(receive, limit)
            response = problem(413, "too_large", detail, {"Connection": "close"})
            await response(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                if message.get("more_body"):
                    await _discard(receive, limit)
                raise HTTPException(413, detail, {"Connection": "close"})
            return message

        await self.app(scope, counted, send)


async def _discard(receive: Receive, most: int) -> None:
    discarded, more = 0, True
    while more and discarded <= most:
        message = await receive()
        discarded += len(message.get("body", b""))
        more = message.get("more_body", False)


def unforeseen(error: Exception) -> JSONResponse:
    """Log an exception that nobody foresaw, and build the bare 500 for it.

    Its message is kept out of the log, since it may quote what the user sent; its type and where it happened are
    enough to find it.
    """
    logger.error("unforeseen %s", describe(error))
    return problem(500, "internal_error", "an unforeseen error; the log has its request id")


class LastResort:
    """Answer an unforeseen exception."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            answer = unforeseen(error)
            if not begun and scope["type"] == "http":
                await answer(scope, receive, send)
