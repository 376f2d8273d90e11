"""What a service writes when things go wrong, in a process of its own: JSON alone, and nothing of what was sent."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.stack import free_ports

PRIVATE = "my sister's diary"
SERVICE = """
import asyncio, gc, logging, sys
from collections.abc import AsyncIterator
from fastapi import Request
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry
from voxmood_service import ServiceSettings, serve, service_app

registry = CollectorRegistry()
app, loading = service_app(title="t", version="1", description="t", table={}, max_bytes=999, registry=registry)

@app.post("/fail")
async def fail(request: Request) -> None:
    try:
        raise ValueError((await request.body()).decode())
    except ValueError as error:
        raise RuntimeError(str(error)) from error

@app.post("/stream")
async def stream(request: Request) -> StreamingResponse:
    text = (await request.body()).decode()
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError(text)
    return StreamingResponse(parts())

@app.post("/task")
async def task(request: Request) -> None:
    text = (await request.body()).decode()
    async def lost() -> None:
        raise RuntimeError(text)
    asyncio.create_task(lost())
    await asyncio.sleep(0)
    gc.collect()

@app.post("/callback")
async def callback(request: Request) -> None:
    def fall(text: str) -> None:
        raise RuntimeError(text)
    asyncio.get_running_loop().call_soon(fall, (await request.body()).decode())

@app.post("/library")
async def library(request: Request) -> None:
    error = RuntimeError((await request.body()).decode())
    other = logging.getLogger("library")
    other.error("cannot read %s", error, extra={"body": str(error)})
    other.error("cannot read\\n" + str(error))
    other.error(error)
    try:
        raise error
    except RuntimeError:
        other.exception("it failed")

serve(app, loading, ServiceSettings(), name="t", port=int(sys.argv[1]))
"""

Provoke = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def provoke(tmp_path: Path) -> Provoke:
    """Run the service, do something to it, and return what it has written."""

    def run(act: Callable[[str], None]) -> list[dict[str, Any]]:
        (port,) = free_ports(1)
        log = tmp_path / "log"
        with log.open("w") as file:
            command = [sys.executable, "-c", SERVICE, str(port)]
            process = subprocess.Popen(command, stderr=file, env={**os.environ, "VOXMOOD_LOG_LEVEL": "DEBUG"})
            url = f"http://127.0.0.1:{port}"
            try:
                with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
                    client.get(url)
                act(url)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        assert PRIVATE not in log.read_text()
        assert "diary" not in log.read_text()
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def post(url: str) -> None:
    httpx.post(url, content=PRIVATE.encode(), headers={"X-Request-ID": "abc-1"})


def test_a_request_is_a_line_with_fields(provoke: Provoke) -> None:
    lines = provoke(lambda url: post(f"{url}/library?{PRIVATE}"))
    (line,) = [line for line in lines if line.get("route") == "/library"]
    moment = datetime.fromisoformat(line.pop("timestamp"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert 0 <= line.pop("seconds") < 30
    assert line == {
        "level": "INFO",
        "logger": "voxmood.http",
        "request_id": "abc-1",
        "message": "POST /library 200",
        "method": "POST",
        "route": "/library",
        "status": 200,
    }


@pytest.mark.parametrize("path", ["fail", "stream"])
def test_an_unforeseen_error_is_logged_by_type_and_place(provoke: Provoke, path: str) -> None:
    def act(url: str) -> None:
        try:
            post(f"{url}/{path}")
        except httpx.RemoteProtocolError:
            assert path == "stream", "what has begun can only be broken off"

    lines = provoke(act)
    (error,) = [line for line in lines if line["level"] == "ERROR" and line["logger"] == "voxmood.http"]
    assert error["request_id"] == "abc-1"
    assert error["message"].startswith("unforeseen RuntimeError at\n")
    (request,) = [line for line in lines if line.get("route") == f"/{path}"]
    assert (request["status"], request.get("code")) == ((500, "internal_error") if path == "fail" else (200, None))


@pytest.mark.parametrize(
    ("path", "message"), [("task", "Task exception was never retrieved"), ("callback", "Exception in callback")]
)
def test_what_asyncio_finds_is_logged_without_what_it_holds(provoke: Provoke, path: str, message: str) -> None:
    (line,) = [line for line in provoke(lambda url: post(f"{url}/{path}")) if line["logger"] == "asyncio"]
    assert line["message"] == message
    assert line["exception"].startswith("RuntimeError at\n")
    assert "in lost" in line["exception"] or "in fall" in line["exception"]


def test_of_what_libraries_say_the_fixed_part_is_logged(provoke: Provoke) -> None:
    lines = [line for line in provoke(lambda url: post(f"{url}/library")) if line["logger"] == "library"]
    assert [line["message"] for line in lines] == ["cannot read %s", "cannot read", "RuntimeError", "it failed"]
    assert lines[-1]["exception"].startswith("RuntimeError at\n")
    assert not any("body" in line for line in lines)


@pytest.mark.parametrize("sent", [b"\x16\x03\x01%s\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n"])
def test_what_is_no_http_is_logged_without_what_was_sent(provoke: Provoke, sent: bytes) -> None:
    def act(url: str) -> None:
        with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
            connection.sendall(sent.replace(b"%s", PRIVATE.encode()))
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")

    assert "Invalid HTTP request received." in [line["message"] for line in provoke(act)]


def test_a_made_up_method_is_not_named(provoke: Provoke) -> None:
    def act(url: str) -> None:
        answer = httpx.request("DIARY", f"{url}/fail")
        assert answer.status_code == 405
        assert "DIARY" not in httpx.get(f"{url}/metrics").text

    (line,) = [line for line in provoke(act) if line.get("route") == "/fail"]
    assert (line["method"], line["status"], line["code"]) == ("_OTHER", 405, "method_not_allowed")


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-c", SERVICE, str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "address already in use" in done.stderr
    assert [json.loads(line)["level"] for line in done.stderr.splitlines()][-1] == "ERROR"
