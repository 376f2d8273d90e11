"""The client against real apps and real misbehaving servers: retries, timeouts, and what each failure becomes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.conftest import Serve
from tools.stack import free_ports
from voxmood import Analyzer, BadAnswer, Busy, InvalidInput, TimedOut, Unavailable, VoxmoodError

SPOKEN = {
    "text": "It was fine. Then it broke.",
    "language": "english",
    "duration": 4.0,
    "segments": [
        {"text": " It was fine. Then", "start": 0.0, "end": 2.0},
        {"text": " it broke.", "start": 2.5, "end": 4.0},
    ],
}


def judged(texts: list[str]) -> dict[str, Any]:
    scores = {"negative": 0.7, "neutral": 0.2, "positive": 0.1}
    result = {"verdict": "negative", "confidence": 0.7, "score": -0.6, "scores": scores}
    return {"model": "m", "results": [result for _ in texts]}


Answers = Callable[[Request], Awaitable[Response]]


def server(transcribe: Answers | None = None, classify: Answers | None = None) -> FastAPI:
    """Both services in one: any server of the OpenAI contract, and a sentiment service."""
    app = FastAPI()

    @app.post("/v1/audio/transcriptions")
    async def transcriptions(request: Request) -> Response:
        return await transcribe(request) if transcribe else JSONResponse(SPOKEN)

    @app.post("/classify")
    async def classification(request: Request) -> Response:
        return await classify(request) if classify else JSONResponse(judged((await request.json())["texts"]))

    return app


async def analyse(url: str, **options: float) -> object:
    async with Analyzer(url, url, **options) as analyzer:  # type: ignore[arg-type]
        return await analyzer.analyze_audio(b"sound")


async def test_any_server_of_the_openai_contract_will_do(serve: Serve) -> None:
    with serve(server()) as url:
        async with Analyzer(url, url, asr_model="whisper-large", asr_key="k") as analyzer:
            analysis = await analyzer.analyze_audio(b"sound")
            await analyzer.check_ready()
    assert (analysis.language, analysis.models.asr) == ("en", "whisper-large")
    assert [(s.text, s.end) for s in analysis.sentences] == [("It was fine.", 1.41), ("Then it broke.", 4.0)]
    assert analysis.sentences[1].start == pytest.approx(1.53, abs=0.01)


async def test_a_server_that_knows_no_segments_will_do(serve: Serve) -> None:
    async def bare(_: Request) -> Response:
        return JSONResponse({"text": " It was fine. Then it broke.", "segments": None})

    with serve(server(bare)) as url:
        async with Analyzer(url, url) as analyzer:
            analysis = await analyzer.analyze_audio(b"sound")
    assert [(s.text, s.start) for s in analysis.sentences] == [("It was fine.", None), ("Then it broke.", None)]
    assert (analysis.language, analysis.duration) == ("en", None)


@pytest.mark.parametrize("known", [{}, {"hard_to_say": False}, {"hard_to_say": True}])
async def test_what_is_hard_to_say_is_passed_on_and_else_taken_as_said(serve: Serve, known: dict[str, bool]) -> None:
    async def doubt(request: Request) -> Response:
        answer = judged((await request.json())["texts"])
        answer["results"] = [result | known for result in answer["results"]]
        return JSONResponse(answer)

    with serve(server(classify=doubt)) as url:
        async with Analyzer(url, url) as analyzer:
            analysis = await analyzer.analyze_text("It was fine. Then it broke.")
    doubts = [analysis.hard_to_say, *(sentence.hard_to_say for sentence in analysis.sentences)]
    assert doubts == [known.get("hard_to_say", False)] * 3


@pytest.mark.parametrize("status", [429, 502, 503], ids=["busy", "lost by a load balancer", "not ready"])
async def test_who_cannot_answer_now_is_asked_again(serve: Serve, status: int) -> None:
    asked = []

    async def refuse_once(_: Request) -> Response:
        asked.append(1)
        return Response(status_code=status, headers={"Retry-After": "0"}) if len(asked) == 1 else JSONResponse(SPOKEN)

    with serve(server(refuse_once)) as url:
        await analyse(url)
    assert len(asked) == 2


async def test_each_request_can_reach_another_replica(serve: Serve) -> None:
    connections = []

    async def note(request: Request) -> Response:
        connections.append(request.client)
        return JSONResponse(SPOKEN)

    with serve(server(note)) as url:
        async with Analyzer(url, url) as analyzer:
            for _ in range(3):
                await analyzer.recognise(b"sound")
    assert len(set(connections)) == 3


async def test_a_broken_connection_is_tried_again(serve: Serve) -> None:
    asked = 0

    async def hang_up_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"--\r\n")  # the end of the form
        if asked > 1:
            body = b'{"model": "m", "results": []}'
            writer.write(b"HTTP/1.1 422 X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(hang_up_once, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(InvalidInput):
            await analyse(f"http://127.0.0.1:{port}")
    assert asked == 2


async def test_each_failure_has_its_error(serve: Serve) -> None:
    def answers(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Answers:
        async def answer(_: Request) -> Response:
            return Response(body, status, headers)

        return answer

    async def too_few(_: Request) -> Response:
        return JSONResponse(judged([]))

    problem = b'{"detail": "too long: cut it", "code": "too_long"}'
    cases: list[tuple[FastAPI, type[VoxmoodError], int, str]] = [
        (server(answers(413, problem)), InvalidInput, 413, "too_long"),
        (server(answers(400, b'{"error": {"message": "bad", "code": "x"}}')), InvalidInput, 400, "x"),
        (server(answers(400, b'{"error": {"message": "bad", "code": 7}}')), InvalidInput, 400, "invalid_request"),
        (server(answers(422, b'{"detail": [{"input": "my diary"}]}')), InvalidInput, 422, "invalid_request"),
        (server(answers(422, b"[]")), InvalidInput, 422, "invalid_request"),
        (server(answers(429, headers={"Retry-After": "7"})), Busy, 429, "busy"),
        (server(answers(503)), Unavailable, 503, "unavailable"),
        (server(answers(500, b"<html>")), BadAnswer, 502, "bad_answer"),
        (server(answers(200, b"not json")), BadAnswer, 502, "bad_answer"),
        (server(classify=answers(200, b"{}")), BadAnswer, 502, "bad_answer"),
        (server(classify=too_few), BadAnswer, 502, "bad_answer"),
    ]
    for app, kind, status, code in cases:
        with serve(app) as url, pytest.raises(kind) as failure:
            await analyse(url, retries=0)
        assert (failure.value.status, failure.value.code) == (status, code)
        assert "diary" not in str(failure.value)
        if kind is Busy:
            assert failure.value.retry_after == 7


async def test_a_stalled_and_an_absent_service(serve: Serve) -> None:
    async def stalled(request: Request) -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response()

    with serve(server(stalled)) as url, pytest.raises(TimedOut):
        await analyse(url, asr_timeout=0.2)
    with pytest.raises(Unavailable):
        await analyse(f"http://127.0.0.1:{free_ports(1)[0]}", retries=1)


async def test_empty_text_is_refused_before_anything_is_asked() -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    async with Analyzer(nowhere, nowhere) as analyzer:
        with pytest.raises(InvalidInput):
            await analyzer.analyze_text(" \n ")


async def test_many_sentences_go_in_batches(serve: Serve) -> None:
    sizes = []

    async def count(request: Request) -> Response:
        texts = (await request.json())["texts"]
        sizes.append(len(texts))
        return JSONResponse(judged(texts))

    text = " ".join(f"This is sentence number {n}." for n in range(600))
    with serve(server(classify=count)) as url:
        async with Analyzer(url, url) as analyzer:
            analysis = await analyzer.analyze_text(text)
    assert len(analysis.sentences) == 600
    assert sum(sizes) == 601
    assert max(sizes) <= 256
