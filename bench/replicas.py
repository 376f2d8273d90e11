"""What a second replica of asr brings, and what is lost when one of two is killed at work.

    PYTHONPATH=services/sentiment python -m bench.replicas      # 6 min on two cores that have nothing else to do

Each replica does one recognition at a time on a core of its own. The demo voices are sent as the Python client sends
them, several at once: to the first replica alone, and to HAProxy with deploy/haproxy/voxmood.cfg before both, in turn.
Then more are sent to both, and one is killed (SIGKILL) at work and started again. HAProxy and who sends take from the
same cores what they need. The figures go to bench/replicas.json.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from training.options import options

from bench import asr_machine
from tools.servers import Server, balancer, service
from tools.stack import ROOT
from voxmood import Analyzer, VoxmoodError

RESULT = Path(__file__).with_suffix(".json")
VOICES = ROOT / "demo/voices"
ASR = {"VOXMOOD_ASR_WORKERS": "1", "VOXMOOD_ASR_THREADS": "1"}


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    rounds: int = 3
    messages: int = 80  # in each half of a round: the last one, which a replica does alone, weighs little
    clients: int = 8  # that wait for an answer each
    killed: int = 80  # messages sent while one is killed


async def send(url: str, voices: Sequence[bytes], clients: int, done: list[bool]) -> float:
    """Seconds in which all are answered or given up; `done` says of each, as it ends, whether it is answered."""
    began = time.perf_counter()
    waiting = iter(voices)

    async def client(analyzer: Analyzer) -> None:
        for voice in waiting:
            try:
                await analyzer.recognise(voice)
                done.append(True)
            except VoxmoodError:
                done.append(False)

    async with Analyzer(url) as analyzer:
        await asyncio.gather(*(client(analyzer) for _ in range(clients)))
    return time.perf_counter() - began


async def rate(url: str, voices: Sequence[bytes], clients: int) -> float:
    """Messages a second. Raises RuntimeError if one is lost."""
    done: list[bool] = []
    seconds = await send(url, voices, clients, done)
    if not all(done):
        raise RuntimeError(f"{done.count(False)} messages were not answered: see runs/")
    return len(voices) / seconds


async def compare(one: str, both: str, voices: Sequence[bytes], settings: Settings) -> dict[str, Any]:
    """Messages a second of one replica and of two, in turn, and what the second one brings."""
    rates: dict[str, list[float]] = {one: [], both: []}
    for turn in range(settings.rounds):
        for url in (one, both) if turn % 2 else (both, one):
            rates[url].append(round(await rate(url, voices, settings.clients), 3))
    ratios = [two / alone for alone, two in zip(rates[one], rates[both], strict=True)]
    return {
        "one_per_s": rates[one],
        "two_per_s": rates[both],
        "ratios": [round(ratio, 2) for ratio in ratios],
        "ratio": round(median(ratios), 2),
    }


async def kill(victim: Server, both: str, voices: Sequence[bytes], settings: Settings) -> dict[str, Any]:
    """Kill a replica when a quarter is answered, start it again, and count."""
    done: list[bool] = []
    sending = asyncio.create_task(send(both, voices, settings.clients, done))
    at_work = 0.0
    while len(done) < len(voices) / 4 or at_work < 2:
        await asyncio.sleep(0.1)
        at_work = await metric(victim, "voxmood_queue_length")
    victim.kill()
    victim.start()
    await sending
    return {
        "offered": len(voices),
        "at_work_when_killed": int(at_work),
        "answered": done.count(True),
        "lost": done.count(False),
        "answered_by_the_new_process": int(await metric(victim, "voxmood_work_seconds_count")),
    }


async def metric(server: Server, name: str) -> float:
    """A number that the server publishes."""
    async with httpx.AsyncClient(timeout=30) as client:
        lines = (await client.get(f"{server.url}/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


async def measure(one: Server, two: Server, front: Server, settings: Settings) -> dict[str, Any]:
    """All of it."""
    recordings = [path.read_bytes() for path in sorted(VOICES.glob("*.ogg"))]
    voices = [*islice(cycle(recordings), settings.messages)]
    for server in (one, two):
        await rate(server.url, recordings, 1)  # warms up
    return {
        **await compare(one.url, front.url, voices, settings),
        "killed": await kill(two, front.url, [*islice(cycle(recordings), settings.killed)], settings),
    }


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    logs = ROOT / "runs"
    logs.mkdir(exist_ok=True)
    busy = os.getloadavg()[0]
    with ExitStack() as running:
        one, two = (
            running.enter_context(service("asr", logs / f"replica-{core}.log", ASR, core=core)) for core in (0, 1)
        )
        front = running.enter_context(balancer(one.url, two.url, logs / "haproxy.log"))
        for server in (one, two, front):
            server.until("/readyz")
        figures = asyncio.run(measure(one, two, front, settings))
    figures |= {"clients": settings.clients, "load_before": round(busy, 1), "machine": asr_machine.machine()}
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
