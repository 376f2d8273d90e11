"""HAProxy with the project's configuration before two replicas: of asr, under load and killed; of small services."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from tests.conftest import Serve
from tools.servers import Server, balancer, service
from tools.stack import Urls, free_ports
from voxmood import Analyzer, Unavailable

Said = dict[str, dict[str, str]]
ONE_AT_A_TIME = {"VOXMOOD_ASR_WORKERS": "1", "VOXMOOD_ASR_THREADS": "1"}


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two of asr."""
    with (
        service("asr", tmp_path / "one.log", ONE_AT_A_TIME) as one,
        service("asr", tmp_path / "two.log", ONE_AT_A_TIME) as two,
    ):
        one.until("/readyz")
        two.until("/readyz")
        yield one, two


def metric(server: Server, name: str) -> float:
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.fault("one of two asr replicas killed under load", seen="nothing; what it had is asked of the other one")
async def test_a_replica_killed_under_load_costs_no_message(
    replicas: tuple[Server, Server], stack: Urls, voices: dict[str, bytes], said: Said, tmp_path: Path
) -> None:
    one, two = replicas
    with balancer(one.url, two.url, tmp_path / "haproxy.log") as front:
        front.until("/readyz")
        async with Analyzer(front.url, stack.sentiment) as analyzer, asyncio.timeout(120):

            async def analyse(name: str) -> bool:
                return (await analyzer.analyze_audio(voices[name])).language == said[name]["lang"]

            messages = [asyncio.create_task(analyse(name)) for name in voices]
            while min([await asyncio.to_thread(metric, it, "voxmood_queue_length") for it in replicas]) < 2:
                assert not all(message.done() for message in messages)
            one.kill()
            assert all(await asyncio.gather(*messages))

            await asyncio.to_thread(one.restart)
            while not await asyncio.to_thread(metric, one, "voxmood_work_seconds_count"):
                assert await analyse("en-neutral-keys")


class Small:
    """A service that knows its name, and answers a `held` request, or ends a stream, when it may."""

    def __init__(self, name: str) -> None:
        self.may = threading.Event()
        self.app = FastAPI()

        @self.app.get("/readyz")
        async def readyz() -> None:
            pass

        @self.app.post("/held")
        async def held() -> str:
            await asyncio.to_thread(self.may.wait, 30)
            return name

        @self.app.post("/name")
        async def answer(request: Request) -> str:
            await request.body()
            return name

        @self.app.post("/full")
        async def full() -> Response:
            return Response(status_code=429, headers={"Retry-After": "7"})

        @self.app.post("/events")
        async def events() -> StreamingResponse:
            async def parts() -> AsyncIterator[str]:
                yield "data: first\n\n"
                await asyncio.to_thread(self.may.wait, 30)
                yield "data: last\n\n"

            return StreamingResponse(parts(), media_type="text/event-stream")


@pytest.fixture
def small(serve: Serve, tmp_path: Path) -> Iterator[tuple[httpx.AsyncClient, Small, Small]]:
    """A client of HAProxy before two small services, and these."""
    one, two = Small("one"), Small("two")
    with (
        serve(one.app) as first,
        serve(two.app) as second,
        balancer(first, second, tmp_path / "haproxy.log") as front,
    ):
        front.until("/readyz")
        yield httpx.AsyncClient(base_url=front.url, timeout=30), one, two
        one.may.set()
        two.may.set()


Front = tuple[httpx.AsyncClient, Small, Small]


async def test_who_has_the_fewest_requests_gets_the_next(small: Front) -> None:
    client, *both = small
    async with client:
        held = asyncio.create_task(client.post("/held"))
        names = [(await client.post("/name")).json() for _ in range(6)]
        for one in both:
            one.may.set()
        free = "two" if (await held).json() == "one" else "one"
    assert names[-5:] == [free] * 5, "the first one may have come before the held one"


async def test_a_full_queue_is_told_to_the_caller(small: Front) -> None:
    client, *_ = small
    async with client:
        answer = await client.post("/full")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_events_are_passed_on_as_they_come(small: Front) -> None:
    client, *both = small
    async with client, client.stream("POST", "/events") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "data: first"
        for one in both:
            one.may.set()
        assert "data: last" in [line async for line in lines]


async def test_where_nobody_listens_the_other_one_is_asked(serve: Serve, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    with (
        serve(Small("it").app) as it,
        balancer(it, f"http://127.0.0.1:{nobody}", tmp_path / "haproxy.log") as front,
    ):
        front.until("/readyz")
        async with httpx.AsyncClient(base_url=front.url, timeout=30) as client:
            answers = await asyncio.gather(*(client.post("/name", content=bytes(1_000_000)) for _ in range(8)))
    assert [answer.json() for answer in answers] == ["it"] * 8


async def test_where_nobody_listens_at_all_is_said_as_the_services_would(tmp_path: Path) -> None:
    one, two = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    with balancer(one, two, tmp_path / "haproxy.log") as front:
        async with httpx.AsyncClient(base_url=front.url, transport=httpx.AsyncHTTPTransport(retries=5)) as client:
            answer = await client.post("/name")
        with pytest.raises(Unavailable, match="no replica is ready: try again"):
            async with Analyzer(front.url) as analyzer:
                await analyzer.check_ready()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert (answer.json()["status"], answer.json()["code"]) == (503, Unavailable.code)
