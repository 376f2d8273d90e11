"""What happens when four times as much is asked as can be done, for two minutes.

    PYTHONPATH=services/sentiment python -m bench.load      # 3 min on two cores

Texts and voices of 3 to 30 s go to the gateway. First a few clients, each waiting for its answer, find the capacity;
then requests are sent at a pace that rises from half of it to four times as much, whether earlier ones are answered or
not. Beside them, every service is asked for its health, and the memory of every process is read. Last come requests
whose clients hang up at once. The figures go to bench/load.json and bench/load.svg; services, load and probes share one
machine, so that the load takes some of the capacity away.
"""

import asyncio
import io
import json
import random
import time
import wave
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from matplotlib import pyplot as plt
from training.options import options

from bench import asr_machine
from tools.stack import ROOT, Urls, running
from voxmood_asr import audio
from voxmood_asr.audio import RATE

RESULT = Path(__file__).with_suffix(".json")
VOICES = ROOT / "demo/voices"
TEXTS = ("I am so glad you came.", "The train leaves at ten. " * 8, "Я так злюсь на тебя! Ты опять всё забыл.")
ACCEPTED, REFUSED = {200}, {429, 503, 504}


@dataclass(frozen=True)
class Settings:
    """How much is sent. Seconds, requests a second, ratios to the capacity."""

    warm_up: float = 15  # seconds in which the capacity is found
    clients: int = 4  # that find it
    seconds: float = 120
    least: float = 0.5
    most: float = 4.0
    texts: float = 0.5  # share of the requests
    hang_ups: int = 40
    seed: int = 1


@dataclass(frozen=True)
class Sent:
    """One request: when it was sent, what became of it (status; 0: no answer), seconds until then."""

    at: float
    kind: str
    status: int
    code: str
    took: float
    retry_after: float


def requests(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    """A mix of texts and voices without end: name of the kind, and what httpx sends."""
    speech = np.concatenate([audio.decode(path.read_bytes(), 600).pcm for path in sorted(VOICES.glob("en-*.ogg"))])
    voices = {f"voice of {seconds} s": wav(speech[: seconds * RATE]) for seconds in (3, 6, 10, 30)}
    chance = random.Random(settings.seed)  # noqa: S311
    while True:
        if chance.random() < settings.texts:
            yield "text", {"json": {"text": chance.choice(TEXTS)}}
        else:
            kind = chance.choices(list(voices), weights=(4, 3, 2, 1))[0]
            yield kind, {"files": {"audio": voices[kind]}}


def wav(pcm: audio.Pcm) -> bytes:
    """A WAV file of 16 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())
    return out.getvalue()


class Load:
    """Sends requests, and keeps what became of them."""

    def __init__(self, urls: Urls, settings: Settings) -> None:
        self.urls, self.settings = urls, settings
        self.requests = requests(settings)
        self.began = time.perf_counter()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        self.client = httpx.AsyncClient(base_url=urls.gateway, timeout=120, limits=limits)
        self.sent: list[Sent] = []
        self.health: list[tuple[str, int, float]] = []
        self.memory: list[tuple[float, dict[str, float]]] = []

    async def send(self) -> Sent:
        """One request."""
        kind, body = next(self.requests)
        at = time.perf_counter()
        status, code, wait = 0, "", 0.0
        try:
            answer = await self.client.post("/analyze", **body)
            status, wait = answer.status_code, float(answer.headers.get("retry-after", 0))
            code = "" if status == httpx.codes.OK else answer.json()["code"]
        except httpx.HTTPError as error:
            code = type(error).__name__
        done = Sent(round(at - self.began, 2), kind, status, code, round(time.perf_counter() - at, 3), wait)
        self.sent.append(done)
        return done

    async def capacity(self) -> float:
        """Requests a second that are answered when each client waits for its answer."""
        end = time.perf_counter() + self.settings.warm_up

        async def client() -> int:
            for answered in count():
                if time.perf_counter() > end:
                    return answered
                await self.send()
            return 0

        answered = await asyncio.gather(*(client() for _ in range(self.settings.clients)))
        return sum(answered) / self.settings.warm_up

    async def ramp(self, capacity: float) -> None:
        """Send at a pace that rises, then wait for what is still to be answered."""
        settings, began = self.settings, time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            while (passed := time.perf_counter() - began) < settings.seconds:
                ratio = settings.least + (settings.most - settings.least) * passed / settings.seconds
                tasks.create_task(self.send())
                await asyncio.sleep(1 / (ratio * capacity))

    async def hang_up(self) -> None:
        """Requests whose client leaves as soon as it has sent them."""
        for _ in range(self.settings.hang_ups):
            task = asyncio.create_task(self.send())
            await asyncio.sleep(0.05)
            task.cancel()

    async def watch(self) -> None:
        """Ask for the health and the memory of every service, until cancelled."""
        services = {name: psutil.Process(pid) for name, pid in _pids(self.urls).items()}
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                for url in asdict(self.urls).values():
                    for path in ("/livez", "/readyz"):
                        at = time.perf_counter()
                        status = (await client.get(f"{url}{path}")).status_code
                        self.health.append((path, status, time.perf_counter() - at))
                memory = {name: _megabytes(process) for name, process in services.items()}
                self.memory.append((time.perf_counter() - self.began, memory))
                await asyncio.sleep(0.5)


def _pids(urls: Urls) -> dict[str, int]:
    ports = {int(url.rpartition(":")[2]): name for name, url in asdict(urls).items()}
    listening = psutil.net_connections("tcp")
    return {
        ports[it.laddr.port]: it.pid for it in listening if it.status == "LISTEN" and it.pid and it.laddr.port in ports
    }


def _megabytes(process: psutil.Process) -> float:
    """Memory of a service and its workers; what they share counts once."""
    own = process.memory_info().rss
    workers = sum(child.memory_full_info().uss for child in process.children(recursive=True))
    return float(round((own + workers) / 1e6, 1))


async def measure(urls: Urls, settings: Settings) -> dict[str, Any]:
    """Run all of it."""
    load = Load(urls, settings)
    await load.send()
    watching = asyncio.create_task(load.watch())
    capacity = await load.capacity()
    before = len(load.sent)
    await load.ramp(capacity)
    ramp = load.sent[before:]
    queue = await _bound(urls.asr, sum(it.status == httpx.codes.OK and it.kind != "text" for it in load.sent))
    await load.hang_up()
    queues = [await _queue(url) for url in (urls.asr, urls.sentiment)]
    began = time.perf_counter()
    while max(queues) > 0:
        queues = [await _queue(url) for url in (urls.asr, urls.sentiment)]
    freed = time.perf_counter() - began
    for _ in range(5):
        await load.send()
    watching.cancel()
    await load.client.aclose()
    plot(load)
    return {
        "capacity_per_s": round(capacity, 2),
        "offered_per_s": f"{settings.least * capacity:.1f} to {settings.most * capacity:.1f}",
        **judge(ramp),
        "queue": queue,
        "health": _health(load),
        "memory_mb": _memory(load),
        "hang_ups": {"requests": settings.hang_ups, "queues_empty_after_s": round(freed, 1)},
        "requests_in_all": len(load.sent),
        "machine": asr_machine.machine(),
    }


async def _queue(url: str) -> float:
    return await _metric(url, "voxmood_queue_length")


async def _bound(url: str, recognised: int) -> dict[str, float]:
    """The longest that a recording should take: as many as may be in the queue, each as long as one takes, in s."""
    places = await _metric(url, "voxmood_queue_limit")
    service = await _metric(url, "voxmood_work_seconds_sum") / recognised
    return {"places": places, "service_s": round(service, 3), "bound_s": round(places * service, 1)}


async def _metric(url: str, name: str) -> float:
    async with httpx.AsyncClient(timeout=30) as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def judge(sent: list[Sent]) -> dict[str, Any]:
    """What became of the requests of the ramp."""
    accepted = [it for it in sent if it.status in ACCEPTED]
    refused = [it for it in sent if it.status in REFUSED]
    kinds = sorted({it.kind for it in accepted})
    return {
        "offered": len(sent),
        "accepted": len(accepted),
        "refused": len(refused),
        "failed": len(sent) - len(accepted) - len(refused),
        "answers": dict(Counter(f"{it.status} {it.code}".strip() for it in sent)),
        "accepted_s": _quantiles(accepted),
        "refused_s": _quantiles(refused),
        "retry_after_s": {
            "least": min((it.retry_after for it in refused), default=0),
            "most": max((it.retry_after for it in refused), default=0),
        },
        "by_kind": {kind: _quantiles([it for it in accepted if it.kind == kind]) for kind in kinds},
    }


def _quantiles(sent: list[Sent]) -> dict[str, float]:
    took = [it.took for it in sent]
    return {f"p{share}": round(float(np.percentile(took, share)), 3) for share in (50, 95, 99)} if took else {}


def _health(load: Load) -> dict[str, Any]:
    """How often the health was asked for, what was not 200, and the slowest answers in ms."""
    return {
        path: {
            "asked": len(took),
            "p99_ms": round(1000 * float(np.percentile(took, 99))),
            "most_ms": round(1000 * max(took)),
            "not_200": sum(asked == path and status != httpx.codes.OK for asked, status, _ in load.health),
        }
        for path in ("/livez", "/readyz")
        if (took := [took for asked, _, took in load.health if asked == path])
    }


def _memory(load: Load) -> dict[str, dict[str, float]]:
    """In MB, at the first request, after 500, at most and at the end."""
    ended = sorted(it.at + it.took for it in load.sent)
    early = ended[min(500, len(ended)) - 1]
    at_500 = next(memory for at, memory in load.memory if at >= early or memory is load.memory[-1][1])
    return {
        name: {
            "first": load.memory[0][1][name],
            "after_500": at_500[name],
            "most": max(memory[name] for _, memory in load.memory),
            "last": load.memory[-1][1][name],
        }
        for name in at_500
    }


def plot(load: Load) -> None:
    """Seconds of each answer over time, and the memory of each service."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
    for label, statuses, colour in (("answered", ACCEPTED, "tab:green"), ("refused", REFUSED, "tab:orange")):
        dots = [(it.at, it.took) for it in load.sent if it.status in statuses]
        if dots:
            above.plot(*zip(*dots, strict=True), ".", markersize=3, color=colour, label=label)
    above.set(ylabel="seconds to the answer", yscale="log")
    above.legend()
    for name in load.memory[0][1]:
        below.plot([at for at, _ in load.memory], [memory[name] for _, memory in load.memory], label=name)
    below.set(xlabel="seconds", ylabel="memory, MB", ylim=(0, None))
    below.legend()
    figure.savefig(RESULT.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    Path("runs").mkdir(exist_ok=True)
    with Path("runs/load.log").open("w") as log, running(log=log) as urls:
        figures = asyncio.run(measure(urls, settings))
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
