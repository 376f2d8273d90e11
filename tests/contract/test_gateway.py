"""The gateway before services that fail: what its caller is told, and that nobody works for a caller who has left."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from tests.conftest import Serve
from tools.stack import free_ports
from voxmood_gateway.app import create_app
from voxmood_gateway.settings import Settings

Answers = Callable[[Request], Awaitable[Response]]


def asr(answers: Answers) -> FastAPI:
    app = FastAPI()
    app.post("/v1/audio/transcriptions", response_model=None)(answers)
    return app


def answering(status: int, **headers: str) -> Answers:
    async def answer(request: Request) -> Response:
        return Response(b"<html>", status, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def stall(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


@pytest.mark.parametrize(
    ("answers", "status", "code"),
    [
        (answering(429, retry_after="9"), 429, "busy"),
        (answering(503, retry_after="1"), 503, "unavailable"),
        (answering(500), 502, "bad_answer"),
        (answering(200), 502, "bad_answer"),
        (answering(401), 502, "bad_answer"),
        (stall, 504, "timed_out"),
    ],
)
def test_a_failing_service_is_told_apart(serve: Serve, answers: Answers, status: int, code: str) -> None:
    with serve(asr(answers)) as asr_url:
        app, _ = create_app(Settings(asr_url=asr_url, asr_timeout=0.5))
        with serve(app) as url:
            answer = httpx.post(f"{url}/analyze", files={"audio": b"sound"}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert "html" not in answer.text


def test_a_full_queue_is_passed_on_at_once(serve: Serve) -> None:
    asked = []

    async def busy(_: Request) -> Response:
        asked.append(1)
        return Response(b"", 429, {"Retry-After": "9"})

    with serve(asr(busy)) as asr_url, serve(create_app(Settings(asr_url=asr_url))[0]) as url:
        answer = httpx.post(f"{url}/analyze", files={"audio": b"sound"}, timeout=30)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "9")
    assert len(asked) == 1


def test_an_absent_service_is_said_and_the_gateway_is_not_ready(serve: Serve) -> None:
    app, _ = create_app(Settings(asr_url=f"http://127.0.0.1:{free_ports(1)[0]}"))
    with serve(app) as url:
        answer = httpx.post(f"{url}/analyze", files={"audio": b"sound"}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/livez").status_code == 200


async def test_a_caller_who_leaves_is_worked_for_no_longer(serve: Serve) -> None:
    begun, left = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def notice(request: Request) -> Response:
        await request.body()
        loop.call_soon_threadsafe(begun.set)
        await stall(request)
        loop.call_soon_threadsafe(left.set)
        return Response()

    with serve(asr(notice)) as asr_url:
        app, _ = create_app(Settings(asr_url=asr_url))
        with serve(app) as url:
            async with httpx.AsyncClient(timeout=30) as client, asyncio.timeout(10):
                call = asyncio.ensure_future(client.post(f"{url}/analyze", files={"audio": b"sound"}))
                await begun.wait()
                call.cancel()
                await left.wait()


def test_a_caller_who_leaves_while_sending_is_no_fault_of_ours(serve: Serve) -> None:
    with serve(create_app(Settings())[0]) as url:
        with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
            head = "POST /analyze HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\n--b\r\n".encode())
        metrics = ""
        while "voxmood_problems_total{" not in metrics:
            metrics = httpx.get(f"{url}/metrics").text
    assert 'voxmood_problems_total{code="hung_up"} 1.0' in metrics


def test_a_job_gives_way_and_tries_again_what_may_pass(serve: Serve, tmp_path: Path) -> None:
    answers = [(429, {"Retry-After": "1"}), (503, {}), (415, {})]

    async def recover(_: Request) -> Response:
        status, headers = answers.pop(0)
        return Response(b'{"code": "not_audio", "detail": "no sound"}', status, headers)

    with serve(asr(recover)) as asr_url, serve(create_app(Settings(asr_url=asr_url, jobs_dir=tmp_path))[0]) as url:
        made = httpx.post(f"{url}/jobs", files={"audio": b"sound"})
        job = made.json()
        while job["state"] != "done":
            job = httpx.get(f"{url}{made.headers['location']}").json()
    assert answers == []
    assert job["files"][0]["problem"] == {"status": 415, "code": "not_audio", "detail": "no sound"}
