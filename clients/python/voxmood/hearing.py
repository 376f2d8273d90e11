"""What is said in a recording, from any server of OpenAI's transcriptions, at once or while it is recognised.

Not done here: moods, and HTTP.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from voxmood.connection import Connection, parse
from voxmood.errors import BadAnswer
from voxmood.models import AsrAnswer, AsrEvent, AsrSegment, Progress
from voxmood.sentences import Span, finished, guess_language, split, split_segments

PATH = "/v1/audio/transcriptions"
NAMES = {"english": "en", "russian": "ru"}  # OpenAI's own server answers names, every other one codes


@dataclass(frozen=True)
class Heard:
    """What is to be judged: a transcript, or a written text, in sentences; what only a recording has is None."""

    transcript: str
    spans: Sequence[Span]
    language: str | None
    duration: float | None = None
    warnings: list[str] = field(default_factory=list)
    model: str | None = None
    seconds: float | None = None


class Hearing:
    """A recording on its way to a recogniser."""

    def __init__(
        self, service: Connection, model: str, audio: bytes, *, language: str | None, headers: Mapping[str, str]
    ) -> None:
        self.service, self.model = service, model
        self.form = {
            "model": model,
            "response_format": "verbose_json",
            "timestamp_granularities[]": "segment",
            **({"language": language} if language else {}),
        }
        self.body: dict[str, Any] = {"files": {"file": ("audio", audio)}, "headers": headers}
        self.began = time.perf_counter()

    async def whole(self) -> Heard:
        """All of it, at the end. Raises VoxmoodError."""
        return self._heard(await self.service.post(PATH, AsrAnswer, data=self.form, **self.body))

    async def parts(self) -> AsyncGenerator[Progress | list[Span] | Heard, None]:
        """How far it is, the sentences that are finished so far, each time more of them, and last the whole.

        A server that does not know `stream` gives the whole only. Raises VoxmoodError.
        """
        segments: list[AsrSegment] = []
        judged = 0
        async with aclosing(self.service.events(PATH, data=self.form | {"stream": "true"}, **self.body)) as events:
            async for sent in events:
                if sent.event == "json":
                    yield self._heard(parse(AsrAnswer, sent.data, self.service.name))
                    return
                event = parse(AsrEvent, sent.data, self.service.name)
                if event.error:
                    raise self.service.fault(event.error.status, event.error.message, event.error.code)
                if event.type == "transcript.text.segment":
                    segments.append(parse(AsrSegment, sent.data, self.service.name))
                elif event.type == "transcript.text.done":
                    answer = parse(AsrAnswer, sent.data, self.service.name)
                    yield self._heard(answer if answer.segments else answer.model_copy(update={"segments": segments}))
                    return
                elif event.seconds is not None and event.duration is not None:
                    yield Progress(seconds=event.seconds, duration=event.duration)
                    if len(segments) > judged:
                        judged = len(segments)
                        yield finished(segments, code(event.language))
        raise BadAnswer(f"the {self.service.name} service broke off its answer")

    def _heard(self, answer: AsrAnswer) -> Heard:
        spoken = code(answer.language) or guess_language(answer.text)
        return Heard(
            transcript=answer.text.strip(),
            spans=split_segments(answer.segments or [], spoken) or split(answer.text, spoken),
            language=spoken,
            duration=answer.duration,
            warnings=answer.warnings,
            model=answer.model or self.model,
            seconds=round(time.perf_counter() - self.began, 3),
        )


def code(language: str | None) -> str | None:
    """English -> en."""
    return NAMES.get((language or "").lower(), language)
