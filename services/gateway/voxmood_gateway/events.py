"""An analysis as server-sent events, for who asks with `Accept: text/event-stream`. Not done here: the analysis."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import Request

from voxmood import Analysis, Progress, Sentence
from voxmood_service import event

MEDIA_TYPE = "text/event-stream"

DOCUMENTED: dict[str, Any] = {
    "description": "the analysis; with `Accept: text/event-stream`, events until it is there",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "string",
                "description": "Events with one line of JSON each: `progress` (seconds of the duration that are "
                "recognised), `sentence` (one of the analysis, without words), and last `analysis`, or `error` with "
                "problem details.",
            },
            "example": 'event: progress\ndata: {"seconds":28.0,"duration":60.2}\n\n',
        }
    },
}


def wanted(request: Request) -> bool:
    """Whether the caller takes events."""
    return MEDIA_TYPE in request.headers.get("accept", "")


def failed(problem: dict[str, Any]) -> bytes:
    """The last event where the analysis failed."""
    return event(problem, "error")


async def encoded(
    parts: AsyncIterator[Progress | Sentence | Analysis], count: Callable[[Analysis], None]
) -> AsyncIterator[bytes]:
    """Events of what an analyzer gives; the analysis is counted."""
    async for part in parts:
        if isinstance(part, Analysis):
            count(part)
        yield event(part.model_dump(mode="json"), type(part).__name__.lower())


async def written(analysis: Awaitable[Analysis]) -> AsyncIterator[Sentence | Analysis]:
    """What an analyzer would give of a text, which is analysed at once."""
    whole = await analysis
    for sentence in whole.sentences:
        yield sentence.model_copy(update={"words": None})
    yield whole
