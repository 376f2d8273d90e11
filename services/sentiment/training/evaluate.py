"""Judge the exported model on the test files, through the very code that serves it.

    python -m training.evaluate --data DIR                                  # 5 min on two cores
    python -m training.evaluate --data DIR --model runs/train --name fp32   # a checkpoint, before the export

Writes model/metrics.json, which MODEL_CARD.md quotes, and prints it beside what baselines.py has put there. The test
files are for the card: decisions are made on dev rows, see train.py.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from training.data import TESTS, read
from training.metrics import METRICS, figures, record, table
from training.options import options
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.scoring import Scorer


@dataclass(frozen=True)
class Settings:
    """What is judged, on which texts, and under which name."""

    data: Path
    model: str = str(METRICS.parent)
    name: str = "voxmood-1"
    threads: int = 0


def main() -> None:
    """Read every test file and write down the figures."""
    settings = options(Settings)
    scorer = Scorer(lambda: open_classifier(settings.model, settings.threads))
    scorer.load()
    results = {}
    for source in TESTS:
        rows = read(settings.data, source, "test")
        readings = scorer.read(rows.text.tolist(), Event())
        results[source] = figures(source, rows.label.to_numpy(), np.array([reading.classes for reading in readings]))
        print(source, results[source], flush=True)
    record(settings.name, results)
    print(table())


if __name__ == "__main__":
    main()
