"""The queue of the recognition service, on a real server. The recogniser is a stand-in that waits until it is told
to go on, so that these tests know what is at work and what waits; test_recognition.py has the real one."""

import asyncio
import threading
from collections.abc import Generator, Iterator

import httpx
import pytest

from tests.conftest import Serve
from voxmood_asr.app import create_app
from voxmood_asr.audio import Clip
from voxmood_asr.engine import Request
from voxmood_asr.settings import Settings
from voxmood_asr.transcript import Transcript


class Held:
    """A recogniser that reports when it begins, and takes step after step with each clip until `go` is set; a clip
    that is shorter than `LONG` seconds it knows at once."""

    LONG = 7.0

    def __init__(self) -> None:
        self.loaded, self.begun, self.go = threading.Event(), threading.Semaphore(0), threading.Event()
        self.at_work, self.most_at_work = 0, 0
        self.ended: list[str] = []

    def load(self) -> None:
        self.loaded.wait()

    def steps(self, clip: Clip, request: Request) -> Generator[Transcript, None, Transcript]:
        transcript = Transcript([], "en", 1.0, clip.seconds, [])
        self.begun.release()
        end = "left"
        try:
            while clip.seconds > self.LONG and not self.waited():
                yield transcript
            end = "done"
            return transcript
        finally:
            self.ended.append(end)

    def waited(self) -> bool:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        went = self.go.wait(0.01)
        self.at_work -= 1
        return went


@pytest.fixture
def held() -> Iterator[Held]:
    engine = Held()
    yield engine
    engine.loaded.set()
    engine.go.set()


async def post(url: str, voice: bytes) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.post(f"{url}/v1/audio/transcriptions", data={"model": "x"}, files={"file": voice})


async def queue_length(url: str) -> float:
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{url}/metrics")).text
    (line,) = [line for line in metrics.splitlines() if line.startswith("voxmood_queue_length")]
    return float(line.split()[1])


async def until_queued(url: str, length: int) -> None:
    async with asyncio.timeout(10):
        while await queue_length(url) != length:
            pass


async def test_not_ready_until_loaded(serve: Serve, held: Held, voices: dict[str, bytes]) -> None:
    app, _ = create_app(Settings(), held)
    with serve(app) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/livez")).status_code == 200
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
            early = await post(url, voices["en-positive-job"])
            assert (early.status_code, early.json()["code"]) == (503, "not_ready")
            assert int(early.headers["retry-after"]) > 0
            held.loaded.set()
            async with asyncio.timeout(10):
                while (await client.get("/readyz")).status_code != 200:
                    pass


async def test_a_full_queue_refuses_at_once_and_says_when_to_return(
    serve: Serve, held: Held, voices: dict[str, bytes]
) -> None:
    held.loaded.set()
    app, _ = create_app(Settings(asr_queue=1, asr_workers=1), held)
    voice = voices["en-positive-job"]
    with serve(app) as url:
        first, second = (asyncio.ensure_future(post(url, voice)) for _ in range(2))
        await until_queued(url, 2)
        refused = await post(url, voice)
        assert (refused.status_code, refused.json()["code"]) == (429, "busy")
        assert int(refused.headers["retry-after"]) > 0
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/livez")).status_code == 200, "the event loop must be free"
        held.go.set()
        assert [(await answer).status_code for answer in (first, second)] == [200, 200]
        assert (await post(url, voice)).status_code == 200


async def test_a_client_that_hangs_up_frees_its_place(serve: Serve, held: Held, voices: dict[str, bytes]) -> None:
    held.loaded.set()
    app, _ = create_app(Settings(asr_queue=1, asr_workers=1), held)
    voice = voices["en-positive-job"]
    with serve(app) as url:
        at_work = asyncio.ensure_future(post(url, voice))
        await asyncio.to_thread(held.begun.acquire)
        waiting = asyncio.ensure_future(post(url, voice))
        await until_queued(url, 2)
        waiting.cancel()
        await until_queued(url, 1)
        at_work.cancel()
        await until_queued(url, 0)
        assert set(held.ended) == {"left"}, "what was begun took no further step"
        held.go.set()
        assert (await post(url, voice)).status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
async def test_as_many_recognitions_at_a_time_as_there_are_workers(
    serve: Serve, held: Held, voices: dict[str, bytes], workers: int
) -> None:
    held.loaded.set()
    app, _ = create_app(Settings(asr_workers=workers), held)
    with serve(app) as url:
        answers = [asyncio.ensure_future(post(url, voices["en-positive-job"])) for _ in range(workers + 2)]
        await until_queued(url, workers + 2)
        for _ in range(workers + 2):
            await asyncio.to_thread(held.begun.acquire)
        assert held.most_at_work == workers
        held.go.set()
        assert {(await answer).status_code for answer in answers} == {200}


async def test_short_messages_do_not_wait_for_all_of_a_long_one(
    serve: Serve, held: Held, voices: dict[str, bytes]
) -> None:
    held.loaded.set()
    app, _ = create_app(Settings(asr_workers=1), held)
    with serve(app) as url:
        long = asyncio.ensure_future(post(url, voices["en-positive-job"]))
        await asyncio.to_thread(held.begun.acquire)
        short = await post(url, voices["en-negative-birthday"])
        assert short.status_code == 200
        assert not long.done()
        held.go.set()
        assert (await long).status_code == 200
