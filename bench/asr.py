"""Our speech recognition against what a user would pick instead, over HTTP, on the same clips and weights.

    make bench VOICES=DIR                                        # goes on where it was stopped
    PYTHONPATH=services/sentiment python -m bench.asr --limit 3  # a first look: 8 min beside other work

Every clip goes to every engine, in shuffled order; then 1, 2 and 4 clients send messages of about 6 s. What was
measured is appended to --cache: remove that file to measure anew, for instance after a change to an engine. The
figures go to bench/asr.md, bench/asr.json and bench/asr.svg. Not done here: judging them, see asr_figures.py.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import httpx
from rich.progress import track
from training.options import options

from bench import asr_figures, asr_machine, asr_report, manifest
from bench.asr_cache import Cache
from bench.asr_figures import ENGINES, MESSAGE, Engine, length_of
from bench.manifest import NOISE, Clip
from bench.peers.processes import Server, running

PATH = "/v1/audio/transcriptions"
PATIENCE = 900.0  # seconds for an answer
WARM_UP = 2  # messages to each service before anything counts

Body = tuple[bytes, dict[str, str]]  # a file and the fields beside it


@dataclass(frozen=True)
class Settings:
    """What is measured, with what, and where the figures go."""

    clips: Path = Path("runs/bench/clips")
    cache: Path = Path("runs/bench/asr.jsonl")
    log: Path = Path("runs/bench/asr.log")  # what the services print
    weights: Path = Path("runs/bench/weights")
    peers_python: Path = Path(".venv-bench/bin/python")
    out: Path = Path("bench")
    engines: list[str] = field(default_factory=lambda: list(ENGINES))
    limit: int = 0  # clips; 0: all
    threads: int = 2  # of every engine
    rounds: int = 1  # of all clips
    clients: list[int] = field(default_factory=lambda: [1, 2, 4])
    messages: int = 8  # sent by the clients together, in each of the load rounds
    load_rounds: int = 3
    seed: int = 1


def form(engine: Engine, clip: Clip) -> dict[str, str]:
    """The fields beside the file: the language, for the engines that are told."""
    return {"language": clip.lang} if engine.told and clip.lang != NOISE else {}


def hear(settings: Settings, servers: Mapping[str, Server], chosen: list[Clip], cache: Cache) -> None:
    """Send every clip to every engine, one at a time, and keep text, wall and CPU seconds."""
    order = random.Random(settings.seed)  # noqa: S311
    with httpx.Client(timeout=PATIENCE) as client:
        for turn in range(settings.rounds):
            for clip in track(chosen, description=f"clips, round {turn + 1} of {settings.rounds}"):
                data = (settings.clips / clip.file).read_bytes()
                for name in order.sample(settings.engines, len(settings.engines)):
                    engine, key = ENGINES[name], {"kind": "clip", "engine": name, "clip": clip.file, "round": turn}
                    if cache.has(**key):
                        continue
                    server = servers[engine.server]
                    cpu, began = server.cpu_seconds(), time.perf_counter()
                    answer = client.post(f"{server.url}{PATH}", files={"file": data}, data=form(engine, clip))
                    wall = time.perf_counter() - began
                    answer.raise_for_status()
                    used = server.cpu_seconds() - cpu
                    text, peak = answer.json()["text"], round(server.peak_mb(), 1)
                    cache.add(**key, wall=round(wall, 4), cpu=round(used, 3), peak_mb=peak, text=text)


def load(settings: Settings, servers: Mapping[str, Server], messages: list[Clip], cache: Cache) -> None:
    """Measure how many messages a minute each engine answers, for each number of clients."""
    order = random.Random(settings.seed)  # noqa: S311
    runs = [
        (turn, clients, name)
        for turn in range(settings.load_rounds)
        for clients in settings.clients
        for name in order.sample(settings.engines, len(settings.engines))
    ]
    for turn, clients, name in track(runs, description="load"):
        key = {"kind": "load", "engine": name, "clients": clients, "round": turn}
        if not cache.has(**key):
            engine = ENGINES[name]
            bodies = [((settings.clips / clip.file).read_bytes(), form(engine, clip)) for clip in messages]
            bodies = list(islice(cycle(bodies), settings.messages))
            server = servers[engine.server]
            wall = asyncio.run(send(server.url, bodies, clients))
            cache.add(**key, per_minute=round(60 * len(bodies) / wall, 2), peak_mb=round(server.peak_mb(), 1))


async def send(url: str, bodies: list[Body], clients: int) -> float:
    """Send all messages, `clients` of them at once, and return the wall seconds until the last answer."""
    waiting = iter(bodies)

    async def one_client(client: httpx.AsyncClient) -> None:
        for data, fields in waiting:
            (await client.post(f"{url}{PATH}", files={"file": data}, data=fields)).raise_for_status()

    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        began = time.perf_counter()
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
        return time.perf_counter() - began


def warm_up(settings: Settings, servers: Mapping[str, Server], messages: list[Clip]) -> None:
    """Let every service answer before anything counts."""
    bodies: list[Body] = [((settings.clips / clip.file).read_bytes(), {}) for clip in messages[:WARM_UP]]
    for server in track(list(servers.values()), description="warm-up"):
        asyncio.run(send(server.url, bodies, 1))


def main() -> None:
    """Measure what is not in the cache yet, then print and write the figures."""
    settings = options(Settings)
    every = manifest.read(settings.clips)
    random.Random(settings.seed).shuffle(every)  # noqa: S311
    chosen = every[: settings.limit or None]
    messages = [clip for clip in every if length_of(clip.seconds) == MESSAGE][: settings.messages]
    cache = Cache(settings.cache)
    print(f"{len(chosen)} clips; {len(cache.lines)} measurements are there already, in {settings.cache}")
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                running(name, settings.threads, settings.peers_python, settings.weights, settings.log)
            )
            for name in track(sorted({ENGINES[name].server for name in settings.engines}), description="starting")
        }
        warm_up(settings, servers, messages)
        hear(settings, servers, chosen, cache)
        load(settings, servers, messages, cache)
    figures = asr_figures.compute(settings.engines, chosen, cache.lines)
    machine = asr_machine.describe(settings.peers_python)
    asr_report.show(figures)
    asr_report.write(settings.out, figures, machine, {key: str(value) for key, value in vars(settings).items()})


if __name__ == "__main__":
    main()
