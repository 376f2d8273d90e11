"""What HTTP adds to a voice message, and how long the services take to start.

    PYTHONPATH=services/sentiment python -m bench.path      # 1 min on two free cores

A voice message goes through the gateway again and again. What the two models took, by the services' own metrics, is
taken off the wall time; the rest is upload, multipart, JSON, queues and the way through three processes. Starts are
timed from the process to `/readyz`. The figures go to bench/path.json.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from training.options import options

from bench import asr_machine
from tools.stack import ROOT, free_ports, running

RESULT = Path(__file__).with_suffix(".json")
MODELS = ("asr", "sentiment")


@dataclass(frozen=True)
class Settings:
    """What is sent, how often."""

    voice: Path = ROOT / "demo/voices/en-negative-birthday.ogg"
    messages: int = 30
    starts: int = 5


def at_work(url: str) -> float:
    """Seconds that a service has spent on inference (and, in asr, on decoding) since its start."""
    metrics = httpx.get(f"{url}/metrics").text.splitlines()
    (line,) = (line for line in metrics if line.startswith("voxmood_work_seconds_sum"))
    return float(line.split()[1])


def added(settings: Settings) -> dict[str, float]:
    """Medians in ms: the whole, and what is not inference."""
    voice = settings.voice.read_bytes()
    whole, rest = [], []
    with Path(os.devnull).open("w") as log, running(log=log) as urls, httpx.Client(timeout=60) as client:
        for turn in range(settings.messages + 1):
            before = at_work(urls.asr) + at_work(urls.sentiment)
            began = time.perf_counter()
            client.post(f"{urls.gateway}/analyze", files={"audio": voice}).raise_for_status()
            took = time.perf_counter() - began
            if turn:  # the first one warms up
                whole.append(1000 * took)
                rest.append(1000 * (took - at_work(urls.asr) - at_work(urls.sentiment) + before))
    return {"message_ms": round(median(whole), 1), "added_ms": round(median(rest), 1)}


def start(service: str) -> float:
    """Seconds from the start of a service's process until it is ready."""
    (port,) = free_ports(1)
    env = {**os.environ, "VOXMOOD_HOST": "127.0.0.1", f"VOXMOOD_{service.upper()}_PORT": str(port)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"voxmood_{service}"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
    )
    try:
        while not _succeeds(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK):
            time.sleep(0.01)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def _succeeds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    starts = {f"{name}_start_s": round(median(start(name) for _ in range(settings.starts)), 2) for name in MODELS}
    figures = {**added(settings), **starts, "machine": asr_machine.machine()}
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
