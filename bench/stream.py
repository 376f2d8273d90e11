"""How early a stream tells something, and what that costs.

    PYTHONPATH=services/sentiment python -m bench.stream      # 2 min on two cores

A minute of English voices is sent to the gateway and to asr, in turn streamed and not, and the median of several runs
taken: seconds until the duration is known, until the first words (asr) or the first sentence with its mood (gateway),
and until all of it is there. The figures go to bench/stream.json.
"""

import asyncio
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from httpx_sse import aconnect_sse
from training.options import options

from bench import asr_machine
from bench.load import VOICES, wav
from tools.stack import Urls, running
from voxmood_asr import audio
from voxmood_asr.audio import RATE

RESULT = Path(__file__).with_suffix(".json")
ASR, GATEWAY = "/v1/audio/transcriptions", "/analyze"


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seconds: int = 60
    runs: int = 7


async def streamed(client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> dict[str, float]:
    """Seconds until the first event, the first words and the end."""
    began = time.perf_counter()
    took: dict[str, float] = {}
    async with aconnect_sse(client, "POST", url, **body) as source:
        async for sent in source.aiter_sse():
            at = time.perf_counter() - began
            took.setdefault("first_event_s", at)
            if sent.event == "sentence" or json.loads(sent.data).get("delta"):
                took.setdefault("first_words_s", at)
            if sent.event == "error" or "error" in json.loads(sent.data):
                raise SystemExit(f"the stream of {url} failed: {sent.data}")
    return {**took, "streamed_s": time.perf_counter() - began}


async def at_once(client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> float:
    """Seconds until the answer."""
    began = time.perf_counter()
    (await client.post(url, **body)).raise_for_status()
    return time.perf_counter() - began


async def measure(urls: Urls, settings: Settings) -> dict[str, Any]:
    """Medians for both services."""
    speech = np.concatenate([audio.decode(path.read_bytes(), 600).pcm for path in sorted(VOICES.glob("en-*.ogg"))])
    voice = wav(np.resize(speech, settings.seconds * RATE))
    form = {"model": "whisper-1", "response_format": "verbose_json"}
    services: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
        "asr": (urls.asr + ASR, {"files": {"file": voice}, "data": form}, {"stream": "true"}),
        "gateway": (urls.gateway + GATEWAY, {"files": {"audio": voice}}, {}),
    }
    figures: dict[str, Any] = {}
    async with httpx.AsyncClient(timeout=300) as client:
        for name, (url, body, more) in services.items():
            await at_once(client, url, body)
            runs = [
                {
                    **await streamed(client, url, {**body, "data": {**body.get("data", {}), **more}}),
                    "at_once_s": await at_once(client, url, body),
                }
                for _ in range(settings.runs)
            ]
            medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            figures[name] = {key: round(seconds, 3) for key, seconds in medians.items()} | {
                "first_words_of_streamed": ratio(runs, "first_words_s", "streamed_s"),
                "streamed_of_at_once": ratio(runs, "streamed_s", "at_once_s"),
            }
    return figures


def ratio(runs: list[dict[str, float]], above: str, below: str) -> float:
    """The median of the runs' ratios: others on the machine slow both."""
    return round(statistics.median(run[above] / run[below] for run in runs), 3)


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    Path("runs").mkdir(exist_ok=True)
    with Path("runs/stream.log").open("w") as log, running(log=log) as urls:
        figures = asyncio.run(measure(urls, settings))
    result = {**figures, "settings": asdict(settings), "machine": asr_machine.machine()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
