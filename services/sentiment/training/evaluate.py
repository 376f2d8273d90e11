"""Judge a model on the test files, through the very code that serves it: everything that the model card says of it.

    python -m training.evaluate --data DIR --spoken runs/spoken                  # 6 min on two cores
    python -m training.evaluate --data DIR --model runs/train --out runs/fp32    # a checkpoint, before the export
    python -m training.evaluate --data DIR --model owner/name --tests cedr meld --rows 200 --out runs/other

Writes model/metrics.json, figures/*.svg and, for a model that export.py has made, MODEL_CARD.md, all below --out. A
model may be an exported folder, a checkpoint or an id of the Hugging Face hub. --spoken is a folder of what
bench/speak.py has written: what recognition costs. The test files are for the card: decisions are made on dev rows,
see train.py.
"""

import itertools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pandas as pd

from training import card, plots
from training.calibrate import judged, outcome
from training.counterfactual import families
from training.data import TESTS, read
from training.metrics import (
    METRICS,
    MODEL,
    Floats,
    calibration_error,
    confusion,
    figures,
    guesses_of,
    load,
    percent,
    record,
    reliability,
    save,
    scores,
    table,
)
from training.options import options
from training.slices import RULES, sarcastic
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.labels import VERDICTS
from voxmood_sentiment.scoring import Scorer, Windows
from voxmood_sentiment.words import is_blank

WORD_ERROR_RATES = (0, 0.1, 0.25, 0.5, float("inf"))  # bins, each without its lower end; the first holds only 0


@dataclass(frozen=True)
class Settings:
    """What is judged, on which texts, and where the figures go."""

    data: Path
    model: str = str(MODEL)
    tests: list[str] = field(default_factory=lambda: list(TESTS))
    rows: int = 0  # of each test file, 0: all
    spoken: Path | None = None
    out: Path = MODEL.parent
    threads: int = 0


class Judge:
    """A loaded model, and what it makes of texts."""

    def __init__(self, model: str, threads: int) -> None:
        self.scorer = Scorer(lambda: open_classifier(model, threads))
        self.scorer.load()
        self.name = self.scorer.classifier.name
        self.temperature = self.scorer.classifier.temperature
        self.threshold = self.scorer.classifier.hard_to_say_below

    def windows(self, texts: list[str]) -> Windows:
        """Everything that there is to know of texts."""
        return self.scorer.windows(texts, Event())

    def probabilities(self, seen: Windows, temperature: float | None = None) -> Floats:
        """Probabilities (texts, 3) as the service gives them, or at another temperature."""
        return seen.probabilities(temperature or self.temperature) @ self.scorer.meaning

    def read(self, texts: list[str]) -> Floats:
        """Probabilities (texts, 3) of texts."""
        return self.probabilities(self.windows(texts))


def calibration(judge: Judge, rows: pd.DataFrame, plain: Floats, served: Floats) -> dict[str, Any]:
    """How honest the confidence is, before and after the temperature, from probabilities (rows, 3).

    Every test file counts the same, so that the largest does not speak for all; `over_rows` is without that.
    """
    weights = (1 / rows.groupby("source").source.transform("size")).to_numpy()
    labels = rows.label.to_numpy()
    found: dict[str, Any] = {"temperature": judge.temperature, "hard_to_say_below": judge.threshold}
    for name in ("all", *sorted(rows.lang.unique())):
        own = np.ones(len(rows), bool) if name == "all" else (rows.lang == name).to_numpy()
        before, after = (judged(each[own], labels[own]) for each in (plain, served))
        found[name] = {
            "rows": int(own.sum()),
            "calibration_error_before": calibration_error(*before, weights[own]),
            **outcome(*after, judge.threshold, weights[own]),
            "over_rows": {"before": calibration_error(*before), "after": calibration_error(*after)},
            "bins_before": reliability(*before, weights[own]),
            "bins": reliability(*after, weights[own]),
        }
    return found


def languages(rows: pd.DataFrame, guesses: Any) -> dict[str, dict[str, float]]:
    """Figures of all rows and of each language, as the service answers."""
    named = {"all": np.ones(len(rows), bool), **{lang: (rows.lang == lang).to_numpy() for lang in rows.lang.unique()}}
    return {name: scores(rows.label.to_numpy()[own], guesses[own]) for name, own in named.items()}


def slices(judge: Judge, rows: pd.DataFrame, guesses: Any) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of each kind of text by language; sarcasm on our own texts."""
    found = {}
    for name, rule in RULES.items():
        own = rows.text.map(rule).to_numpy(bool)
        if own.any():
            found[name] = languages(rows[own], guesses[own])
    own_texts = sarcastic()
    found["sarcasm"] = languages(own_texts, judge.read(own_texts.text.tolist()).argmax(axis=1))
    return found


def counterfactual(judge: Judge) -> dict[str, dict[str, Any]]:
    """By language and kind: how far the score of a sentence moves with who is spoken of, and how often the verdict."""
    together = families()
    probabilities = judge.read([text for family in together for text in family.texts])
    edges = np.cumsum([len(family.texts) for family in together])[:-1]
    pairs = []
    for family, own in zip(together, np.split(probabilities, edges), strict=True):
        score, verdict = own[:, 2] - own[:, 0], own.argmax(axis=1)
        for a, b in itertools.combinations(range(len(own)), 2):
            move, other = abs(score[a] - score[b]), verdict[a] != verdict[b]
            pairs.append((f"{family.lang} {family.kind}", move, other, family.texts[a], family.texts[b]))
    found = {}
    for name, group in pd.DataFrame(pairs, columns=["name", "move", "other", "one", "two"]).groupby("name", sort=False):
        worst = group.sort_values("move").iloc[-1]
        found[str(name)] = {
            "pairs": len(group),
            "mean": round(float(group.move.mean()), 4),
            "largest": round(float(worst.move), 4),
            "other_verdict": percent(group.other.mean()),
            "texts": [worst.one, worst.two],
        }
    return found


def heard(judge: Judge, folder: Path) -> dict[str, Any]:
    """Figures on texts and on what recognition heard of them, by language and by word error rate.

    Where nothing was heard there is no verdict: that counts as a miss.
    """
    files = sorted(folder.glob("*.dev.csv"))
    if not files:
        raise SystemExit(f"{folder} holds no <lang>.dev.csv: --spoken must name a folder that bench.speak has filled")
    rows = pd.concat([pd.read_csv(file, dtype={"transcript": str}, keep_default_na=False) for file in files])
    written = judge.read(rows.text.tolist()).argmax(axis=1)
    silent = rows.transcript.map(is_blank).to_numpy(bool)
    spoken = np.full(len(rows), len(VERDICTS))  # no class
    spoken[~silent] = judge.read(rows.transcript[~silent].tolist()).argmax(axis=1)
    labels, rates = rows.label.to_numpy(), rows.wer.to_numpy(float)

    def compare(own: Any) -> dict[str, float]:
        text, transcript = scores(labels[own], written[own]), scores(labels[own], spoken[own])
        return {
            "rows": int(own.sum()),
            "word_error_rate": percent(rates[own].mean()),
            "text": text["macro_f1"],
            "transcript": transcript["macro_f1"],
            "lost": round(text["macro_f1"] - transcript["macro_f1"], 1),
            "text_accuracy": text["accuracy"],
            "transcript_accuracy": transcript["accuracy"],
        }

    found = {
        "all": compare(labels >= 0),
        **{lang: compare((rows.lang == lang).to_numpy()) for lang in rows.lang.unique()},
    }
    bins = {"0": rates == 0}
    for low, high in itertools.pairwise(WORD_ERROR_RATES):
        name = f"over {low:.0%}" if high == float("inf") else f"{low:.0%} to {high:.0%}"
        bins[name] = (rates > low) & (rates <= high)
    return {**found, "by_word_error_rate": {name: compare(own) for name, own in bins.items() if own.any()}}


def main() -> None:
    """Read everything, write down the figures, draw them, tell them."""
    settings = options(Settings)
    judge = Judge(settings.model, settings.threads)
    parts, plain, served, results, matrices = [], [], [], {}, {}
    began = time.process_time()
    for source in settings.tests:
        rows = read(settings.data, source, "test")
        if settings.rows:
            rows = rows.sample(min(settings.rows, len(rows)), random_state=1)
        seen = judge.windows(rows.text.tolist())
        parts.append(rows)
        plain.append(judge.probabilities(seen, 1))
        served.append(judge.probabilities(seen))
        results[source] = figures(source, rows.label.to_numpy(), served[-1])
        matrices[source] = confusion(rows.label.to_numpy(), guesses_of(source, served[-1]))
        print(source, results[source], flush=True)
    rows, before, after = pd.concat(parts, ignore_index=True), np.concatenate(plain), np.concatenate(served)
    spent = time.process_time() - began
    guesses = after.argmax(axis=1)

    path = settings.out / METRICS.relative_to(MODEL.parent)
    training = Path(settings.model, "training.json")
    record(judge.name, results, path)
    metrics = {
        "systems": load(path)["systems"],
        "name": judge.name,
        "milliseconds": round(1000 * spent / len(rows), 1),  # of processor time, a test row
        "languages": languages(rows, guesses),
        "confusion": matrices,
        "calibration": calibration(judge, rows, before, after),
        "slices": slices(judge, rows, guesses),
        "counterfactual": counterfactual(judge),
        "spoken": heard(judge, settings.spoken) if settings.spoken else {},
        "training": json.loads(training.read_text()) if training.is_file() else {},
    }
    save(metrics, path)
    plots.draw(metrics, settings.out / "figures")
    if metrics["training"]:
        card.write(settings.out)
    print(table(path))


if __name__ == "__main__":
    main()
