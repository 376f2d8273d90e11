"""The ladder: from a linear layer on counted words to BERT, on the same rows, judged on the same test files.

    python -m training.baselines --data DIR --base runs/base                    # 1 h on two cores, BERT above all
    python -m training.baselines --data DIR --base runs/base --rungs gru max    # only these
    python -m training.baselines --data DIR --card                              # 2 min

Every rung is saved in docs/ladder.json as soon as it is judged, with the tables and the plot of docs/ladder.md.
One that is there with the same settings is not trained again, unless --again is given, say because the data has
changed. The last row is the shipped model, with the figures that evaluate.py has put into model/metrics.json. Epochs
are chosen on dev rows. Times are CPU times: other work beside a run does not count. With --card only the bag of words
is fitted, on all rows, and put into model/metrics.json, which MODEL_CARD.md quotes. Not done here: making what ships,
see train.py.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from training import ladder
from training.bags import bag_of_words
from training.contrast import judge, pairs
from training.data import TESTS, dev_set, read, training_set
from training.metrics import MODEL, figures, load, record, table
from training.options import options
from training.rungs import RUNGS, Model, Settings
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.scoring import Scorer


class Shipped:
    """The model that ships, through the code that serves it, on one thread."""

    epochs = None

    def __init__(self) -> None:
        self.scorer = Scorer(lambda: open_classifier(str(MODEL), 1))
        self.scorer.load()

    @property
    def size(self) -> int:
        """Weights of the graph, without the scales that 8-bit weights bring."""
        weights = onnx.load(MODEL / "model.onnx").graph.initializer
        return sum(int(np.prod(w.dims)) for w in weights if not w.name.endswith(("_scale", "_scales", "_zero_point")))

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of negative, neutral, positive."""
        return np.array([reading.classes for reading in self.scorer.read(texts, Event())], np.float64)


def measure(model: Model) -> dict[str, Any]:
    """What needs no data: weights, the contrast pairs, and the median CPU time of one of their texts alone, in ms."""
    found = pairs()
    probabilities, times = [], []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for text in [*found.negative, *found.positive]:
        start = time.process_time()
        probabilities.append(model.probabilities([text])[0])
        times.append(1000 * (time.process_time() - start))
    torch.set_num_threads(threads)
    return {"contrast": judge(np.array(probabilities)), "parameters": model.size, "ms": round(median(times), 3)}


def judged(model: Model, data: Path) -> dict[str, dict[str, float]]:
    """All figures by test file."""
    tests = {source: read(data, source, "test") for source in TESTS}
    return {
        source: figures(source, rows.label.to_numpy(), model.probabilities(rows.text.tolist()))
        for source, rows in tests.items()
    }


def short(tests: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The two figures that the ladder shows."""
    return {source: {name: tests[source][name] for name in ("accuracy", "macro_f1")} for source in TESTS}


def main() -> None:
    """Train what is missing, judge it, write it down; then the shipped model."""
    settings = options(Settings)
    if settings.card:
        model = bag_of_words(training_set(settings.data, settings.seed), settings.strength)
        record("bag of words", judged(model, settings.data))
        print(table())
        return
    if unknown := set(settings.rungs) - set(RUNGS):
        raise SystemExit(f"no rung {', '.join(unknown)}: --rungs takes {' '.join(RUNGS)}")
    entries, order = ladder.load(settings.docs), (*RUNGS, settings.shipped)
    todo = [
        name
        for name in RUNGS
        if name in (settings.rungs or RUNGS)
        and (settings.again or entries.get(name, {}).get("settings") != RUNGS[name].settings(settings))
    ]
    if todo:
        # Some rows are in the training set more than once: a small share of it has better use for its places.
        rows = training_set(settings.data, settings.seed).drop_duplicates("text").head(settings.rows)
        dev = dev_set(settings.data, settings.dev_rows, settings.seed)
    for name in todo:
        rung = RUNGS[name]
        print(f"{name}: {rung.title}", flush=True)
        start = time.process_time()
        trained = rung.train(settings, rows, dev)
        minutes = (time.process_time() - start) / 60
        entries[name] = {
            "title": rung.title,
            "settings": rung.settings(settings),
            "epochs": trained.epochs,
            "tests": short(judged(trained, settings.data)),
            **measure(trained),
            "minutes": round(minutes, 2),
        }
        entries = ladder.save(settings.docs, entries, order)
    entries[settings.shipped] = {
        "title": f"{settings.shipped}, as shipped",
        "settings": {},
        "epochs": None,
        "tests": short(load()["systems"][settings.shipped]),
        **measure(Shipped()),
        "minutes": None,
    }
    entries = ladder.save(settings.docs, entries, order)
    print(ladder.table(entries))


if __name__ == "__main__":
    main()
