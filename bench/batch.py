"""What `--workers` of `voxmood analyze --out` is worth: files a minute, as a ratio to one at a time.

    PYTHONPATH=services/sentiment python -m bench.batch      # 3 min on two free cores

A folder of the demo voices is analysed anew with each number of workers, in several rounds; a ratio is the median of
those of the rounds. The services have their default settings. The figures go to bench/batch.json.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from training.options import options

from bench import asr_machine
from tools.stack import ROOT, Urls, running
from voxmood import Analyzer
from voxmood.batch import Batch

RESULT = Path(__file__).with_suffix(".json")
WORKERS = (1, 2, 4)


@dataclass(frozen=True)
class Settings:
    """What is analysed, how often."""

    voices: Path = ROOT / "demo/voices"
    copies: int = 2
    rounds: int = 3


def rate(urls: Urls, folder: Path, workers: int) -> float:
    """Files a minute."""

    async def run() -> int:
        async with Analyzer(urls.asr, urls.sentiment) as analyzer:
            with tempfile.TemporaryDirectory() as out:
                rows = await Batch(analyzer, folder, Path(out) / "moods.jsonl", workers=workers).run(lambda *_: None)
        return sum(not row.problem for row in rows)

    began = time.perf_counter()
    done = asyncio.run(run())
    return 60 * done / (time.perf_counter() - began)


def measure(settings: Settings) -> list[dict[int, float]]:
    """Files a minute by workers, in each round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for copy in range(settings.copies):
            shutil.copytree(settings.voices, folder / str(copy))
        with Path(os.devnull).open("w") as log, running(log=log) as urls:
            rate(urls, folder / "0", WORKERS[-1])  # warms up
            return [{workers: rate(urls, folder, workers) for workers in WORKERS} for _ in range(settings.rounds)]


def main() -> None:
    """Measure, print, write."""
    rounds = measure(options(Settings))
    figures = {
        "files_per_minute": {workers: round(median(each[workers] for each in rounds), 1) for workers in WORKERS},
        "ratio_to_one": {
            workers: round(median(each[workers] / each[WORKERS[0]] for each in rounds), 2) for workers in WORKERS
        },
        "machine": asr_machine.machine(),
    }
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
