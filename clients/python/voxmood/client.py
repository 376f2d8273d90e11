"""The one orchestration: audio -> asr -> sentences with times -> sentiment -> analysis.

`Analyzer` runs it against the two services, `GatewayClient` asks a gateway to. Not done here: HTTP, printing, files.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from voxmood.connection import Connection, parse
from voxmood.errors import BadAnswer, InvalidInput
from voxmood.hearing import Heard, Hearing
from voxmood.models import Analysis, Job, Models, Problem, Progress, Sentence, Timings
from voxmood.moods import Moods
from voxmood.sentences import guess_language, split
from voxmood.turns import turn

ASR_URL = "http://127.0.0.1:8001"
SENTIMENT_URL = "http://127.0.0.1:8002"
GATEWAY_URL = "http://127.0.0.1:8000"


class Client:
    """Closes its connections at the end of an `async with`."""

    connections: tuple[Connection, ...]

    async def __aenter__(self) -> Self:
        """Nothing to open: connections are made when needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        for connection in self.connections:
            await connection.http.aclose()

    async def check_ready(self) -> None:
        """Raise VoxmoodError unless every service is ready."""
        for connection in self.connections:
            await connection.check_ready()


class Analyzer(Client):
    """Analyses audio and text with an asr and a sentiment service.

    `asr_url` may be any server of OpenAI's transcriptions contract; `asr_key` and `asr_model` are for such.
    """

    def __init__(
        self,
        asr_url: str = ASR_URL,
        sentiment_url: str = SENTIMENT_URL,
        *,
        asr_key: str | None = None,
        asr_model: str = "whisper-1",
        asr_timeout: float = 600,
        sentiment_timeout: float = 60,
        retries: int = 3,
        patience: float = 60,
    ) -> None:
        key = {"Authorization": f"Bearer {asr_key}"} if asr_key else {}
        # No connection is kept: where they are what is shared out, as in Kubernetes, kept ones would never lead to a
        # replica that is added.
        asking: dict[str, Any] = {"retries": retries, "patience": patience, "kept": 0}
        self.asr = Connection("speech recognition", asr_url, timeout=asr_timeout, headers=key, **asking)
        self.sentiment = Connection("sentiment", sentiment_url, timeout=sentiment_timeout, headers={}, **asking)
        self.connections = (self.asr, self.sentiment)
        self.asr_model = asr_model

    async def analyze_audio(
        self,
        audio: bytes,
        *,
        language: str | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> Analysis:
        """Recognise and classify a recording, in any container or codec that the asr service reads.

        `language` (ISO 639-1) is detected when None; `explain` weighs the words of each sentence. Raises VoxmoodError.
        """
        heard = await self.recognise(audio, language=language, request_id=request_id)
        return await self.judge(heard, explain=explain, request_id=request_id)

    async def stream_audio(
        self,
        audio: bytes,
        *,
        language: str | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> AsyncGenerator[Progress | Sentence | Analysis, None]:
        """The same while it is recognised: each sentence when it is finished, without `words`; last the analysis.

        Nothing is tried again once the first part is there. A recogniser that does not know `stream` gives its
        sentences at the end. Raises VoxmoodError.
        """
        hearing = self._hearing(audio, language, request_id)
        moods = self._moods(explain, request_id)
        sent = 0
        async with aclosing(hearing.parts()) as parts:
            async for part in parts:
                if isinstance(part, Progress):
                    yield part
                    continue
                analysis = None
                if isinstance(part, Heard):
                    analysis, spans = await conclude(part, moods), part.spans
                else:
                    await moods.read(part)
                    spans = part
                for span in spans[sent:]:
                    yield moods.sentence(span).model_copy(update={"words": None})
                sent = len(spans)
                if analysis:
                    yield analysis

    async def recognise(self, audio: bytes, *, language: str | None = None, request_id: str | None = None) -> Heard:
        """The first half of `analyze_audio`: what is said. Raises VoxmoodError."""
        return await self._hearing(audio, language, request_id).whole()

    async def analyze_text(
        self, text: str, *, language: str | None = None, explain: bool = False, request_id: str | None = None
    ) -> Analysis:
        """Classify a written message. Raises VoxmoodError."""
        text = text.strip()
        if not text:
            raise InvalidInput("the text is empty: write something")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InvalidInput("the text is broken: it holds half a character (a lone surrogate)")
        language = language or guess_language(text)
        written = Heard(transcript=text, spans=split(text, language), language=language)
        return await self.judge(written, explain=explain, request_id=request_id)

    async def judge(self, heard: Heard, *, explain: bool = False, request_id: str | None = None) -> Analysis:
        """The second half: the mood of the whole and of each sentence. Raises VoxmoodError."""
        return await conclude(heard, self._moods(explain, request_id))

    def _hearing(self, audio: bytes, language: str | None, request_id: str | None) -> Hearing:
        return Hearing(self.asr, self.asr_model, audio, language=language, headers=_identified(request_id))

    def _moods(self, explain: bool, request_id: str | None) -> Moods:
        return Moods(self.sentiment, explain=explain, headers=_identified(request_id))


async def conclude(heard: Heard, moods: Moods) -> Analysis:
    """The analysis of all that was said. Raises VoxmoodError."""
    whole = await moods.read(heard.spans, heard.transcript) if heard.transcript else None
    sentences = [moods.sentence(span) for span in heard.spans] if whole else []
    return Analysis(
        verdict=whole and whole.verdict,
        confidence=whole and whole.confidence,
        hard_to_say=whole is not None and whole.hard_to_say,
        score=whole and whole.score,
        scores=whole and whole.scores,
        turn=turn(sentences, heard.duration),
        transcript=heard.transcript,
        language=heard.language,
        duration=heard.duration,
        no_speech=whole is None,
        truncated="truncated" in heard.warnings,
        warnings=heard.warnings,
        sentences=sentences,
        models=Models(asr=heard.model, sentiment=moods.model),
        timings=Timings(asr=heard.seconds, sentiment=moods.seconds),
    )


class GatewayClient(Client):
    """The same three methods, through a gateway's `POST /analyze`, and its jobs."""

    def __init__(
        self,
        url: str = GATEWAY_URL,
        *,
        api_key: str | None = None,
        timeout: float = 600,
        retries: int = 3,
        patience: float = 60,
    ) -> None:
        key = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.gateway = Connection("gateway", url, timeout=timeout, retries=retries, patience=patience, headers=key)
        self.connections = (self.gateway,)

    async def analyze_audio(
        self,
        audio: bytes,
        *,
        language: str | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> Analysis:
        """See Analyzer.analyze_audio."""
        return await self.gateway.post("/analyze", Analysis, **_spoken(audio, language, explain, request_id))

    async def stream_audio(
        self,
        audio: bytes,
        *,
        language: str | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> AsyncGenerator[Progress | Sentence | Analysis, None]:
        """See Analyzer.stream_audio."""
        body = _spoken(audio, language, explain, request_id)
        async with aclosing(self.gateway.events("/analyze", **body)) as events:
            async for event in events:
                match event.event:
                    case "progress":
                        yield parse(Progress, event.data, self.gateway.name)
                    case "sentence":
                        yield parse(Sentence, event.data, self.gateway.name)
                    case "analysis" | "json":
                        yield parse(Analysis, event.data, self.gateway.name)
                        return
                    case "error":
                        problem = parse(Problem, event.data, self.gateway.name)
                        raise self.gateway.fault(problem.status, problem.detail, problem.code)
        raise BadAnswer("the gateway broke off its answer")

    async def analyze_text(
        self, text: str, *, language: str | None = None, explain: bool = False, request_id: str | None = None
    ) -> Analysis:
        """See Analyzer.analyze_text."""
        body = {"text": text, "explain": explain, **({"language": language} if language else {})}
        return await self.gateway.post("/analyze", Analysis, json=body, headers=_identified(request_id))

    async def submit(
        self, *audio: bytes, language: str | None = None, explain: bool = False, webhook: str | None = None
    ) -> Job:
        """Leave recordings to be analysed one after the other; `webhook` is told when they are. Raises VoxmoodError."""
        form = {"explain": str(explain).lower(), "language": language or "", "webhook": webhook or ""}
        files = [("audio", ("audio", each)) for each in audio]
        once = {"Idempotency-Key": uuid4().hex}  # so that a retry makes no second job
        return await self.gateway.post("/jobs", Job, data=form, files=files, headers=once)

    async def job(self, id: str) -> Job:
        """How far a job is, and its analyses so far. Raises VoxmoodError."""
        return parse(Job, (await self.gateway.ask("GET", f"/jobs/{id}")).content, self.gateway.name)

    async def delete_job(self, id: str) -> None:
        """End a job and delete what is kept of it. Raises VoxmoodError."""
        await self.gateway.ask("DELETE", f"/jobs/{id}")


def _spoken(audio: bytes, language: str | None, explain: bool, request_id: str | None) -> dict[str, Any]:
    """What is posted to a gateway."""
    form = {"explain": str(explain).lower(), **({"language": language} if language else {})}
    return {"data": form, "files": {"audio": ("audio", audio)}, "headers": _identified(request_id)}


def _identified(request_id: str | None) -> dict[str, str]:
    return {"X-Request-ID": request_id} if request_id else {}
