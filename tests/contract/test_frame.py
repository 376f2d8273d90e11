"""The frame of every service: limits while streaming, request ids, and errors that give nothing away."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Form, Request, Response
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from tests.conftest import Serve
from voxmood_service import problem, service_app

PRIVATE = "my sister's diary"


class Body(BaseModel):
    """A field with a type."""

    count: int


def app_for_tests() -> FastAPI:
    app, _ = service_app(
        title="t", version="0", description="t", table={}, max_bytes=1_000, registry=CollectorRegistry()
    )

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.post("/form")
    async def form(text: Annotated[str, Form()]) -> int:
        return len(text)

    @app.post("/count")
    async def count(body: Body) -> int:
        return body.count

    @app.post("/fail")
    async def fail(request: Request) -> None:
        raise RuntimeError((await request.body()).decode())

    @app.post("/passed-on")
    async def passed_on() -> Response:
        return problem(400, PRIVATE, "as another server has it")

    @app.post("/full")
    async def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    @app.post("/lost")
    async def lost() -> None:
        raise FileNotFoundError("diary.txt")

    return app


@pytest.fixture
def url(serve: Serve) -> Iterator[str]:
    with serve(app_for_tests()) as url:
        yield url


def test_a_declared_length_over_the_limit_is_refused(url: str) -> None:
    answer = httpx.post(f"{url}/echo", content=bytes(200_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", ["/echo", "/form"])
async def test_an_undeclared_length_over_the_limit_is_refused_while_it_streams(url: str, path: str) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"text="
        for _ in range(15):
            yield bytes(10_000)

    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}{path}", content=stream(), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_endless_upload_is_cut_off(url: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(50_000)

    async with httpx.AsyncClient() as client, asyncio.timeout(10):
        try:
            answer = await client.post(f"{url}/echo", content=endless(), headers=FORM)
            assert answer.status_code == 413
        except httpx.NetworkError:
            pass  # reset before the client looked for an answer


def test_a_request_id_is_kept_or_made(url: str) -> None:
    kept = httpx.get(f"{url}/livez", headers={"X-Request-ID": "abc-123"})
    assert kept.headers.get_list("x-request-id") == ["abc-123"]
    forged = httpx.get(f"{url}/livez", headers={"X-Request-ID": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"
    assert httpx.get(f"{url}/livez").headers["x-request-id"]


def test_what_was_sent_is_in_no_error_and_no_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        failed = httpx.post(f"{url}/fail", content=PRIVATE.encode())
        wrong = httpx.post(f"{url}/count", json={"count": PRIVATE})
    assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
    assert "body.count" in wrong.json()["detail"]
    for output in (failed.text, wrong.text, caplog.text):
        assert PRIVATE not in output
    assert "RuntimeError" in caplog.text, "the log says what happened, and where"
    assert "in fail" in caplog.text


def test_no_room_for_an_upload_is_said_and_passes(url: str) -> None:
    answer = httpx.post(f"{url}/full")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_room")
    assert int(answer.headers["retry-after"]) > 0
    assert httpx.post(f"{url}/lost").json()["code"] == "internal_error"


def test_a_wrong_method_is_a_problem_too(url: str) -> None:
    answer = httpx.get(f"{url}/echo")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/docs"])
def test_answers_tell_browsers_to_load_and_show_and_keep_nothing(url: str, path: str) -> None:
    headers = httpx.get(f"{url}{path}", headers={"Origin": "https://elsewhere.example"}).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("'unsafe-inline'" in headers["content-security-policy"]) == (path == "/docs")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_an_unforeseen_error_has_the_headers_too(url: str) -> None:
    failed = httpx.post(f"{url}/fail", content=b"x")
    assert (failed.status_code, failed.headers["x-content-type-options"]) == (500, "nosniff")


def test_a_code_that_another_server_made_up_is_told_to_nobody_else(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert httpx.post(f"{url}/passed-on").json()["code"] == PRIVATE
        metrics = httpx.get(f"{url}/metrics").text  # the line of the log may come after the answer, not after this
    assert 'voxmood_problems_total{code="other"} 1.0' in metrics
    assert PRIVATE not in metrics
    assert [record.code for record in caplog.records if hasattr(record, "code")] == ["other"]
