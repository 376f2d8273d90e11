"""The one orchestration: audio -> asr -> sentences with times -> sentiment -> analysis.

`Analyzer` runs it against the two services, `GatewayClient` asks a gateway to. Not done here: HTTP, printing, files.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from voxmood.connection import Connection
from voxmood.errors import BadAnswer, InvalidInput
from voxmood.models import Analysis, AsrAnswer, Classification, Models, Sentence, SentimentAnswer, Timings
from voxmood.sentences import Span, guess_language, split, split_segments

ASR_URL = "http://127.0.0.1:8001"
SENTIMENT_URL = "http://127.0.0.1:8002"
GATEWAY_URL = "http://127.0.0.1:8000"
BATCH = 256  # texts in one /classify
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
        self.asr = Connection(
            "speech recognition", asr_url, timeout=asr_timeout, retries=retries, patience=patience, headers=key
        )
        self.sentiment = Connection(
            "sentiment", sentiment_url, timeout=sentiment_timeout, retries=retries, patience=patience, headers={}
        )
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

    async def recognise(self, audio: bytes, *, language: str | None = None, request_id: str | None = None) -> Heard:
        """The first half of `analyze_audio`: what is said. Raises VoxmoodError."""
        began = time.perf_counter()
        form = {
            "model": self.asr_model,
            "response_format": "verbose_json",
            "timestamp_granularities[]": "segment",
            **({"language": language} if language else {}),
        }
        answer = await self.asr.post(
            "/v1/audio/transcriptions",
            AsrAnswer,
            data=form,
            files={"file": ("audio", audio)},
            headers=_identified(request_id),
        )
        spoken = NAMES.get((answer.language or "").lower(), answer.language) or guess_language(answer.text)
        return Heard(
            transcript=answer.text.strip(),
            spans=split_segments(answer.segments or [], spoken) or split(answer.text, spoken),
            language=spoken,
            duration=answer.duration,
            warnings=answer.warnings,
            model=answer.model or self.asr_model,
            seconds=round(time.perf_counter() - began, 3),
        )

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
        whole, sentences, model, seconds = None, [], None, None
        if heard.transcript:
            began = time.perf_counter()
            texts = [heard.transcript, *(span.text for span in heard.spans)]
            model, results = await self._classify(texts, explain, request_id)
            seconds = round(time.perf_counter() - began, 3)
            whole = results[0]
            sentences = [
                Sentence(
                    text=span.text,
                    start=span.start,
                    end=span.end,
                    verdict=result.verdict,
                    confidence=result.confidence,
                    hard_to_say=result.hard_to_say,
                    score=result.score,
                    words=result.words,
                )
                for span, result in zip(heard.spans, results[1:], strict=True)
            ]
        return Analysis(
            verdict=whole and whole.verdict,
            confidence=whole and whole.confidence,
            hard_to_say=whole is not None and whole.hard_to_say,
            score=whole and whole.score,
            scores=whole and whole.scores,
            transcript=heard.transcript,
            language=heard.language,
            duration=heard.duration,
            no_speech=whole is None,
            truncated="truncated" in heard.warnings,
            warnings=heard.warnings,
            sentences=sentences,
            models=Models(asr=heard.model, sentiment=model),
            timings=Timings(asr=heard.seconds, sentiment=seconds),
        )

    async def _classify(
        self, texts: list[str], explain: bool, request_id: str | None
    ) -> tuple[str, list[Classification]]:
        """The model's name and a result for each text; the first one, the whole, is not explained."""
        head = [(texts[:1], False)] if explain else []
        rest = texts[1:] if explain else texts
        model, results = "", []
        for batch, wanted in [*head, *((rest[at : at + BATCH], explain) for at in range(0, len(rest), BATCH))]:
            answer = await self.sentiment.post(
                "/classify",
                SentimentAnswer,
                json={"texts": batch, "explain": wanted},
                headers=_identified(request_id),
            )
            if len(answer.results) != len(batch):
                raise BadAnswer("the sentiment service answered another number of results than of texts")
            model = answer.model
            results += answer.results
        return model, results


class GatewayClient(Client):
    """The same two methods, through a gateway's `POST /analyze`."""

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
        form = {"explain": str(explain).lower(), **({"language": language} if language else {})}
        return await self.gateway.post(
            "/analyze", Analysis, data=form, files={"audio": ("audio", audio)}, headers=_identified(request_id)
        )

    async def analyze_text(
        self, text: str, *, language: str | None = None, explain: bool = False, request_id: str | None = None
    ) -> Analysis:
        """See Analyzer.analyze_text."""
        body = {"text": text, "explain": explain, **({"language": language} if language else {})}
        return await self.gateway.post("/analyze", Analysis, json=body, headers=_identified(request_id))


def _identified(request_id: str | None) -> dict[str, str]:
    return {"X-Request-ID": request_id} if request_id else {}
