"""Whether jobs are lost or doubled when gateways are killed again and again, and what a job takes beside /analyze.

    PYTHONPATH=services/sentiment python -m bench.jobs      # 5 min on two cores, nearly all of it recognition

Once with one gateway and its folder, once with two gateways that share jobs in a redis-server. Callers post jobs of
several voices, and post again with the same Idempotency-Key what was not answered; meanwhile one gateway after the
other is killed and started again or, where two share jobs, stopped for so long that the other one takes over, and
woken again. A job is lost if it never ends or its webhook is not told. It is doubled if two were made of one key, and a
file if its analysis is ever another one than before. The figures go to bench/jobs.json.
"""

import asyncio
import json
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from rich.progress import track
from training.options import options

from bench import asr_machine
from tools.servers import Server, service
from tools.stack import ROOT, Urls, free_ports, running

RESULT = Path(__file__).with_suffix(".json")
VOICE = ROOT / "demo/voices/en-negative-birthday.ogg"
WAIT = 900  # seconds for all jobs to end


@dataclass(frozen=True)
class Settings:
    """How much is offered, and how often something dies."""

    jobs: int = 40
    files: int = 3
    least_pause_s: float = 1.0  # between two deaths
    most_pause_s: float = 6.0
    patience_s: int = 3  # of the gateways with each other
    compared: int = 8  # files of a job that is timed beside as many requests
    runs: int = 3
    seed: int = 1


@contextmanager
def receiver(told: Counter[str]) -> Iterator[str]:
    """Count each webhook."""
    app = FastAPI()

    @app.post("/", status_code=204)
    async def hear(request: Request) -> None:
        told[request.headers["webhook-id"]] += 1

    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A redis-server."""
    (port,) = free_ports(1)
    command = ["redis-server", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    with Server(command, port=port, env={}, log=folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}"


class Callers:
    """Post jobs and ask for them, whatever dies meanwhile."""

    def __init__(self, gateways: list[Server], dice: random.Random) -> None:
        self.gateways, self.dice = gateways, dice
        self.http = httpx.AsyncClient(timeout=30)
        self.made: dict[str, set[str]] = {}  # ids that were answered, by the key that was sent
        self.analyses: dict[tuple[str, int], Any] = {}  # the first one seen of each file
        self.changed = 0

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """The answer of one of the gateways, as soon as one gives it."""
        while True:
            try:
                answer = await self.http.request(method, self.dice.choice(self.gateways).url + path, **body)
                if answer.is_success:
                    return answer.json()
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)

    async def post(self, key: str, files: int, webhook: str) -> str:
        """Make a job, twice, as who has lost the first answer."""
        audio = [("audio", VOICE.read_bytes())] * files
        for _ in range(2):
            headers = {"Idempotency-Key": key}
            job = await self.ask("POST", "/jobs", files=audio, data={"webhook": webhook}, headers=headers)
            self.made.setdefault(key, set()).add(job["id"])
        return str(job["id"])

    async def follow(self, id: str) -> None:
        """Return once the job has ended and its webhook was told."""
        job: dict[str, Any] = {"webhook": "pending"}
        while job["webhook"] == "pending":
            await asyncio.sleep(2)
            job = await self.ask("GET", f"/jobs/{id}")
            for number, file in enumerate(job["files"]):
                if file["analysis"]:
                    self.changed += self.analyses.setdefault((id, number), file["analysis"]) != file["analysis"]


async def strike(gateways: list[Server], settings: Settings, dice: random.Random, struck: Counter[str]) -> None:
    """Kill and start again, or stop and wake, one gateway after the other."""
    while True:
        await asyncio.sleep(dice.uniform(settings.least_pause_s, settings.most_pause_s))
        victim = dice.choice(gateways)
        if len(gateways) > 1 and dice.random() < 0.3:
            victim.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(4 * settings.patience_s)
            victim.process.send_signal(signal.SIGCONT)
            struck["stops"] += 1
        else:
            await asyncio.to_thread(victim.restart)
            struck["kills"] += 1


async def killed(gateways: list[Server], settings: Settings) -> dict[str, Any]:
    """Offer the jobs while gateways die, and count."""
    dice = random.Random(settings.seed)  # noqa: S311, no secret
    callers, told, struck = Callers(gateways, dice), Counter[str](), Counter[str]()
    with receiver(told) as webhook:
        striking = asyncio.create_task(strike(gateways, settings, dice, struck))

        async def one(number: int) -> None:
            await callers.follow(await callers.post(f"job-{number}", settings.files, webhook))

        try:
            async with asyncio.timeout(WAIT):
                await asyncio.gather(*(one(number) for number in range(settings.jobs)))
        except TimeoutError:
            print("not all jobs have ended")
        striking.cancel()
        await asyncio.wait({striking})
    await callers.http.aclose()
    analysed = Counter(id for id, _ in callers.analyses)
    whole = [
        key
        for key, ids in callers.made.items()
        if any(analysed[id] == settings.files and told[f"{id}.done"] for id in ids)
    ]
    return {
        "offered": settings.jobs,
        "done": len(whole),
        "lost": settings.jobs - len(whole),
        "doubled": sum(len(ids) - 1 for ids in callers.made.values()),
        "files_doubled": callers.changed,
        "webhooks_told_again": sum(count - 1 for count in told.values()),
        **struck,
    }


async def compared(gateway: Server, settings: Settings) -> float:
    """The time of a job as a share of that of as many requests, one after the other."""
    ratios = []
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        for run in range(settings.runs + 1):
            began = time.perf_counter()
            for _ in range(settings.compared):
                (await client.post("/analyze", files={"audio": VOICE.read_bytes()})).raise_for_status()
            at_once, began = time.perf_counter() - began, time.perf_counter()
            answer = await client.post("/jobs", files=[("audio", VOICE.read_bytes())] * settings.compared)
            while (await client.get(answer.headers["location"])).json()["state"] != "done":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            if run:  # the first one warms up
                ratios.append((time.perf_counter() - began) / at_once)
    return round(median(ratios), 3)


def measure(urls: Urls, place: Mapping[str, str], count: int, settings: Settings, folder: Path) -> dict[str, Any]:
    """Both, with so many gateways that keep their jobs there."""
    env = {
        "VOXMOOD_ASR_URL": urls.asr,
        "VOXMOOD_SENTIMENT_URL": urls.sentiment,
        "VOXMOOD_JOBS_PATIENCE": str(settings.patience_s),
        "VOXMOOD_JOBS_QUEUE": str(settings.jobs),
        "VOXMOOD_WEBHOOK_SECRET": "of-the-benchmark-and-of-nothing-else",
        "VOXMOOD_WEBHOOK_PRIVATE": "true",
        **place,
    }
    with ExitStack() as stack:
        gateways = [stack.enter_context(service("gateway", folder / "gateways.log", env)) for _ in range(count)]
        for gateway in gateways:
            gateway.until("/readyz")
        counts = asyncio.run(killed(gateways, settings))
        for gateway in gateways:
            gateway.process.send_signal(signal.SIGCONT)
            gateway.restart()
        return {**counts, "time_of_requests": asyncio.run(compared(gateways[0], settings))}


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        log = stack.enter_context((folder / "services.log").open("w"))
        urls = stack.enter_context(running(log=log))
        url = stack.enter_context(redis(folder))
        places = {
            "folder": ({"VOXMOOD_JOBS_DIR": str(folder / "jobs")}, 1),
            "redis": ({"VOXMOOD_JOBS_REDIS_URL": url}, 2),
        }
        figures = {
            place: measure(urls, *places[place], settings, folder) for place in track(places, description="killing")
        }
    result = {**figures, "settings": asdict(settings), "machine": asr_machine.machine()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
