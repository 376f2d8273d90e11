"""The figures of judged rows, and metrics.json, where the commands put what they have measured.

Each test file is judged by what its authors or its published results use. Reviews of amazon_polarity are only
negative or positive: there the more probable of the two counts, whatever neutral has. Everywhere else the verdict
counts that the service gives. Calibration error: Guo et al. 2017, "On Calibration of Modern Neural Networks",
arXiv:1706.04599.
"""

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

MODEL = Path(__file__).resolve().parent.parent / "model"
METRICS = MODEL / "metrics.json"
BINS = 15
USUAL = {
    "messages": "macro_f1",
    "amazon_polarity": "accuracy",
    "meld": "weighted_f1",
    "goemotions": "macro_f1",
    "tweeteval_en": "macro_recall",
    "sst5": "accuracy",
    "rusentitweet": "macro_f1",
    "cedr": "macro_f1",
}

Labels: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.floating[Any]]
Flags: TypeAlias = NDArray[np.bool_]


def guesses_of(source: str, probabilities: Floats) -> Labels:
    """What rows (rows, 3) of a test file are taken for."""
    counted = probabilities * [1, 0, 1] if source == "amazon_polarity" else probabilities
    return np.asarray(counted.argmax(axis=1))


def scores(labels: Labels, guesses: Labels) -> dict[str, float]:
    """Figures in percent of labels and guesses (rows,); means are over the classes that the labels hold."""
    known = np.unique(labels)
    values = {
        "accuracy": accuracy_score(labels, guesses),
        "macro_f1": f1_score(labels, guesses, labels=known, average="macro", zero_division=0),
        "weighted_f1": f1_score(labels, guesses, labels=known, average="weighted", zero_division=0),
        "macro_recall": recall_score(labels, guesses, labels=known, average="macro", zero_division=0),
    }
    return {"rows": len(labels), **{name: percent(value) for name, value in values.items()}}


def figures(source: str, labels: Labels, probabilities: Floats) -> dict[str, float]:
    """Figures of a test file: labels (rows,), probabilities (rows, 3) of negative, neutral, positive."""
    return scores(labels, guesses_of(source, probabilities))


def confusion(labels: Labels, guesses: Labels) -> list[list[int]]:
    """How often what (rows) is taken for what (columns)."""
    counts: list[list[int]] = confusion_matrix(labels, guesses, labels=[0, 1, 2]).tolist()
    return counts


def reliability(confidence: Floats, right: Flags, weights: Floats | None = None) -> list[dict[str, float]]:
    """Share of the rows, mean confidence and accuracy in BINS bins of equal width; empty ones are left out."""
    weights = np.ones(len(right)) if weights is None else weights
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = []
    for number in np.unique(place):
        own = place == number
        values = {
            "share": weights[own].sum() / weights.sum(),
            "confidence": np.average(confidence[own], weights=weights[own]),
            "accuracy": np.average(right[own], weights=weights[own]),
        }
        bins.append({name: round(float(value), 4) for name, value in values.items()})
    return bins


def calibration_error(confidence: Floats, right: Flags, weights: Floats | None = None) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their share."""
    bins = reliability(confidence, right, weights)
    return round(sum(each["share"] * abs(each["confidence"] - each["accuracy"]) for each in bins), 4)


def percent(share: float) -> float:
    """0.12345 -> 12.3."""
    return round(100 * float(share), 1)


def load(path: Path = METRICS) -> dict[str, Any]:
    """What metrics.json holds."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"systems": {}}
    return known


def save(metrics: dict[str, Any], path: Path = METRICS) -> None:
    """Write metrics.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")


def record(system: str, results: dict[str, dict[str, float]], path: Path = METRICS) -> None:
    """Put a system's figures by test file into metrics.json; all else there stays."""
    known = load(path)
    save({**known, "systems": {**known["systems"], system: results}}, path)


def table(path: Path = METRICS) -> str:
    """Markdown table of the usual figure of every test file, a column for each system."""
    return table_of(load(path))


def table_of(metrics: dict[str, Any]) -> str:
    """See `table`."""
    systems: dict[str, dict[str, dict[str, float]]] = metrics["systems"]
    known = {source for results in systems.values() for source in results}
    rows = []
    for source in [source for source in USUAL if source in known] + sorted(known - set(USUAL)):
        figure = USUAL.get(source, "macro_f1")
        cells = [results.get(source, {}).get(figure, "") for results in systems.values()]
        rows.append([source, figure.replace("_", " "), *cells])
    return markdown(["test file", "figure", *systems], rows)


def markdown(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
