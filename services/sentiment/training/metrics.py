"""The figures of a test file, and metrics.json, where the commands put them side by side.

Each test file is judged by what its authors or its published results use. Reviews of amazon_polarity are only
negative or positive: there the more probable of the two counts, whatever neutral has.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

METRICS = Path(__file__).resolve().parent.parent / "model" / "metrics.json"
USUAL = {
    "amazon_polarity": "accuracy",
    "meld": "weighted_f1",
    "goemotions": "macro_f1",
    "tweeteval_en": "macro_recall",
    "sst5": "accuracy",
    "rusentitweet": "macro_f1",
    "cedr": "macro_f1",
}


def figures(source: str, labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> dict[str, float]:
    """Figures in percent of rows with labels (rows,) and probabilities (rows, 3) of negative, neutral, positive."""
    if source == "amazon_polarity":
        probabilities = probabilities * [1, 0, 1]
    guesses = probabilities.argmax(axis=1)
    values = {
        "accuracy": accuracy_score(labels, guesses),
        "macro_f1": f1_score(labels, guesses, average="macro", zero_division=0),
        "weighted_f1": f1_score(labels, guesses, average="weighted", zero_division=0),
        "macro_recall": recall_score(labels, guesses, average="macro", zero_division=0),
    }
    return {"rows": len(labels), **{name: round(100 * float(value), 1) for name, value in values.items()}}


def record(system: str, results: dict[str, dict[str, float]], path: Path = METRICS) -> None:
    """Put a system's figures by test file into metrics.json; those of other systems stay."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, system: results}, indent=1) + "\n")


def table(path: Path = METRICS) -> str:
    """Markdown table of the usual figure of every test file, a column for each system."""
    systems: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text())
    lines = [["test file", "figure", *systems], ["---"] * (2 + len(systems))]
    for source, figure in USUAL.items():
        row = [str(results.get(source, {}).get(figure, "")) for results in systems.values()]
        lines.append([source, figure.replace("_", " "), *row])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
