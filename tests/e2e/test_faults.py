"""Each part dies, stalls or runs out of something, with real processes: what the user sees, and that all recovers.

The services are started one by one, and started again when they die, as compose's `restart: unless-stopped` does.
"""

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.relay import Relay
from tools.servers import Server, service
from tools.stack import ROOT, Urls, free_ports

BIRTHDAY = "en-negative-birthday"
MODEL = ROOT / "services/sentiment/model"


@pytest.fixture
def asr(tmp_path: Path) -> Iterator[Server]:
    with service("asr", tmp_path / "asr.log", {"VOXMOOD_ASR_WORKERS": "1"}) as server:
        server.until("/readyz")
        yield server


Gateway = Callable[..., Server]


@pytest.fixture
def gateway(tmp_path: Path, stack: Urls) -> Iterator[Gateway]:
    """A gateway before the real services, or before what is given instead."""
    with ExitStack() as running:

        def start(*, asr: str = stack.asr, sentiment: str = stack.sentiment, **env: str) -> Server:
            upstream = {"VOXMOOD_ASR_URL": asr, "VOXMOOD_SENTIMENT_URL": sentiment}
            server = running.enter_context(service("gateway", tmp_path / "gateway.log", {**upstream, **env}))
            server.until("/livez")
            return server

        yield start


async def analyze(url: str, audio: bytes) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(f"{url}/analyze", files={"audio": audio})


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.get(url)


async def at_work(url: str) -> None:
    """Return once a request is in the queue of the service there."""
    async with asyncio.timeout(30):
        while "voxmood_queue_length 1.0" not in (await get(f"{url}/metrics")).text:
            pass


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    return answer.status_code, answer.json()["code"]


@pytest.mark.fault(
    "asr killed during a request, and gone for a while",
    seen="503 `unavailable` that says to try again; answered once asr is back",
)
async def test_recognition_killed_at_work(asr: Server, gateway: Gateway, voices: dict[str, bytes]) -> None:
    front = gateway(asr=asr.url)
    answer = asyncio.create_task(analyze(front.url, voices[BIRTHDAY]))
    await at_work(asr.url)
    asr.kill()
    assert problem(await answer) == (503, "unavailable")
    assert problem(await get(f"{front.url}/readyz"))[0] == 503
    asr.restart()
    assert (await analyze(front.url, voices[BIRTHDAY])).json()["verdict"] == "negative"


@pytest.mark.fault(
    "asr killed during a request, and started again at once",
    seen="the answer, by a retry of the gateway; or 503 to those out of retries",
)
async def test_recognition_killed_and_back_at_once_is_not_noticed(
    asr: Server, gateway: Gateway, voices: dict[str, bytes]
) -> None:
    front = gateway(asr=asr.url)
    answer = asyncio.create_task(analyze(front.url, voices[BIRTHDAY]))
    await at_work(asr.url)
    await asyncio.to_thread(asr.restart)
    later = await answer
    assert later.status_code in (200, 503), "a retry, or an error that says to try again"
    assert (await analyze(front.url, voices[BIRTHDAY])).status_code == 200


@pytest.mark.fault("asr killed", seen="nothing; its decoders end with it")
def test_nothing_of_a_killed_service_is_left(asr: Server) -> None:
    children = psutil.Process(asr.process.pid).children(recursive=True)
    assert children, "the decoders"
    asr.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


@pytest.mark.fault("sentiment down", seen="503 `unavailable`; answered once it is back")
async def test_sentiment_down_and_back(stack: Urls, gateway: Gateway, voices: dict[str, bytes]) -> None:
    async with Relay(stack.sentiment) as relay:
        front = gateway(sentiment=relay.url)
        relay.close()
        assert problem(await analyze(front.url, voices[BIRTHDAY])) == (503, "unavailable")
        await relay.open()
        assert (await analyze(front.url, voices[BIRTHDAY])).json()["verdict"] == "negative"


@pytest.mark.fault(
    "the network to sentiment stalls",
    seen="504 `timed_out` when the time is up; answered once it flows",
)
async def test_a_network_that_stalls(stack: Urls, gateway: Gateway, voices: dict[str, bytes]) -> None:
    async with Relay(stack.sentiment) as relay:
        front = gateway(sentiment=relay.url, VOXMOOD_SENTIMENT_TIMEOUT="1")
        relay.hold()
        assert problem(await analyze(front.url, voices[BIRTHDAY])) == (504, "timed_out")
        relay.release()
        assert (await analyze(front.url, voices[BIRTHDAY])).json()["verdict"] == "negative"


@pytest.mark.fault("asr answers garbage", seen="502 `bad_answer` or 503 `unavailable`")
async def test_a_service_that_answers_garbage(gateway: Gateway, voices: dict[str, bytes]) -> None:
    async def garble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xffSSH-2.0-not http\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garble, "127.0.0.1", 0)
    async with server:
        front = gateway(asr=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        status, code = problem(await analyze(front.url, voices[BIRTHDAY]))
    assert (status, code) in {(502, "bad_answer"), (503, "unavailable")}


@pytest.mark.fault(
    "asr out of file descriptors, its decoders killed",
    seen="the answer, as soon as connections are free",
)
def test_out_of_file_descriptors(tmp_path: Path, voices: dict[str, bytes]) -> None:
    few = 100
    asr = service("asr", tmp_path / "log", {}, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    try:
        asr.until("/readyz")
        with ExitStack() as held:
            for _ in range(2 * few):
                held.enter_context(socket.create_connection(("127.0.0.1", int(asr.url.rpartition(":")[2]))))
            while psutil.Process(asr.process.pid).num_fds() < few:
                pass
            for worker in psutil.Process(asr.process.pid).children(recursive=True):
                if "spawn_main" not in " ".join(worker.cmdline()):
                    worker.kill()
        file = {"file": voices[BIRTHDAY]}
        answer = httpx.post(f"{asr.url}/v1/audio/transcriptions", files=file, timeout=30)
        assert answer.status_code == 200
    finally:
        asr.kill()


@pytest.mark.fault("one bit of the classifier flipped", seen="it refuses to start and names the file")
@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_damaged_classifier_is_not_served(tmp_path: Path, file: str) -> None:
    model = shutil.copytree(MODEL, tmp_path / "model")
    flip_a_bit(model / file)
    assert file in refusal_to_start("sentiment", VOXMOOD_SENTIMENT_MODEL=str(model))


@pytest.mark.fault("one bit of Whisper's weights flipped", seen="it refuses to start and names the file")
def test_damaged_weights_are_not_served(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "models", tmp_path / "models")
    flip_a_bit(tmp_path / "models/whisper-base/model.bin")
    assert "model.bin" in refusal_to_start("asr", VOXMOOD_MODELS_DIR=str(tmp_path / "models"))


def flip_a_bit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def refusal_to_start(name: str, **env: str) -> str:
    """What the service says as it ends."""
    env = {**os.environ, f"VOXMOOD_{name.upper()}_PORT": str(free_ports(1)[0]), **env}
    command = [sys.executable, "-m", f"voxmood_{name}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr
