"""The HTTP face of recognition: OpenAI's `POST /v1/audio/transcriptions` and `GET /v1/models`.

A few recognitions at a time, a bounded queue before them. Not done here: anything about sound itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Generator
from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, File, Form, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter
from pydantic import BeforeValidator

from voxmood_asr import engine, formats
from voxmood_asr.decoder import Decoder
from voxmood_asr.errors import TABLE, AudioTooLarge
from voxmood_asr.formats import Format
from voxmood_asr.settings import Settings
from voxmood_asr.transcript import Transcript
from voxmood_service import Loading, Stages, Turns, documented, event, event_stream, service_app, unless_hung_up

Flag = Annotated[bool, BeforeValidator({"true": True, "false": False, False: False}.get)]  # nothing that only resembles
BESIDE_JSON = ("text/plain", "application/x-subrip", "text/vtt", "text/event-stream")
DESCRIPTION = "Speech to text with the OpenAI contract: any client of it works. The model is fixed by the service."


def create_app(settings: Settings, recogniser: engine.Engine | None = None) -> tuple[FastAPI, Loading]:
    """Build the app around a recogniser; the settings' Whisper by default."""
    registry = CollectorRegistry()
    stages = Stages(registry, "probe", "decode", "detect", "recognise")
    whisper = recogniser or engine.WhisperEngine(settings, stages)
    seconds = Counter("voxmood_audio_seconds", "Seconds of audio recognised", registry=registry)
    silent = Counter("voxmood_no_speech", "Recordings in which nobody speaks", registry=registry)
    again = Counter("voxmood_full_windows", "Pieces of speech decoded again on a window of 30 s", registry=registry)
    dropped = Counter("voxmood_dropped_segments", "Segments taken for invented", ["reason"], registry=registry)
    for reason in engine.FAULTS:
        dropped.labels(reason)  # there from the start, at 0
    decoder = Decoder(settings.workers() + 1, settings.max_bytes, settings.max_seconds, registry)
    turns = Turns(settings.asr_queue, registry, settings.workers())
    started = int(time.time())

    def load() -> None:
        decoder.start()
        whisper.load()

    async def close() -> None:
        await asyncio.to_thread(decoder.close)

    app, loading = service_app(
        title="Voxmood speech recognition",
        version=version("voxmood-asr"),
        description=DESCRIPTION,
        table=TABLE,
        max_bytes=settings.max_bytes,
        registry=registry,
        model=settings.model_id,
        load=load,
        close=close,
    )

    def steps(data: bytes, wish: engine.Request) -> Generator[Transcript, None, Transcript]:
        with stages("decode"):
            clip = decoder.decode(data)
        return (yield from whisper.steps(clip, wish))

    async def recognise(data: bytes, wish: engine.Request) -> AsyncIterator[Transcript]:
        async for transcript in turns.steps(steps(data, wish)):
            yield transcript
        seconds.inc(transcript.duration)
        silent.inc(transcript.no_speech)
        again.inc(transcript.repeats)
        for reason in transcript.dropped:
            dropped.labels(reason).inc()

    @app.get("/v1/models", tags=["openai"])
    async def models() -> dict[str, Any]:
        """The one model that this service runs."""
        model = {"id": settings.model_id(), "object": "model", "created": started, "owned_by": "openai"}
        return {"object": "list", "data": [model]}

    @app.post(
        "/v1/audio/transcriptions",
        tags=["openai"],
        dependencies=[Depends(loading.require)],
        responses=documented(400, 413, 415, 422, 429, 503) | {200: {"content": {key: {} for key in BESIDE_JSON}}},
        response_model=None,
    )
    async def transcribe(
        request: Request,
        file: Annotated[
            UploadFile,
            File(
                description="audio in any container or codec that FFmpeg reads", json_schema_extra={"format": "binary"}
            ),
        ],
        model: Annotated[str, Form(description="any name: the service runs one model")] = "",
        language: Annotated[str, Form(description="ISO 639-1; detected when left out or empty")] = "",
        prompt: Annotated[str, Form(max_length=2000, description="words to expect")] = "",
        response_format: Annotated[Format, Form()] = Format.JSON,
        temperature: Annotated[float, Form(ge=0, le=1)] = 0.0,
        timestamp_granularities: Annotated[
            list[Literal["segment", "word"]], Form(alias="timestamp_granularities[]", description="verbose_json only")
        ] = ["segment"],  # noqa: B006 (FastAPI copies it)
        stream: Annotated[Flag, Form(description="answer in parts; json and verbose_json only")] = False,
    ) -> Response:
        """Recognise speech. Silence is no error: the text is empty and `no_speech` is true."""
        if stream and response_format not in (Format.JSON, Format.VERBOSE_JSON):
            fault = {"loc": ("body", "stream"), "msg": "for json and verbose_json only", "type": "value_error"}
            raise RequestValidationError([fault])
        data = await file.read()
        if len(data) > settings.max_bytes:
            raise AudioTooLarge(f"the file is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
        with stages("probe"):
            await decoder.probe(data)
        wish = engine.Request(
            language or None, prompt or None, temperature, words="word" in timestamp_granularities, early=stream
        )

        def as_json(transcript: Transcript) -> dict[str, Any]:
            if response_format is Format.JSON:
                return {"text": transcript.text}
            return formats.verbose(
                transcript, settings.model_id(), segments="segment" in timestamp_granularities, words=wish.words
            )

        if stream:
            parts = formats.stream(recognise(data, wish), as_json)
            return await event_stream(request, (event(part) async for part in parts), failed)
        transcript = await unless_hung_up(request, last(recognise(data, wish)))
        if response_format is Format.TEXT:
            return PlainTextResponse(transcript.text + "\n")
        if response_format is Format.SRT:
            return PlainTextResponse(formats.srt(transcript), media_type="application/x-subrip")
        if response_format is Format.VTT:
            return PlainTextResponse(formats.vtt(transcript), media_type="text/vtt")
        return JSONResponse(as_json(transcript))

    return app, loading


async def last(transcripts: AsyncIterator[Transcript]) -> Transcript:
    """The whole one."""
    async for transcript in transcripts:
        whole = transcript
    return whole


def failed(problem: dict[str, Any]) -> bytes:
    """Problem details as OpenAI's stream tells of an error."""
    fault = {name: problem[name] for name in ("status", "code", "request_id")}
    return event({"error": {"message": problem["detail"], **fault}})
