"""Make an exported model's confidence honest: a temperature, and a confidence below which verdicts are hard to say.

    python -m training.calibrate --data DIR --model model      # 2 min on two cores; export.py does it too

Both are found on dev rows and written into the model's config.json, where the service reads them; what they do to the
dev rows goes into its training.json. The temperature divides the logits: a large one says that the model was too
sure. It is the one under which the right labels are most probable (Guo et al. 2017, "On Calibration of Modern Neural
Networks", arXiv:1706.04599). The other number is the lowest from which verdicts are right as often as --right asks.
Not done here: the test files, see evaluate.py.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pandas as pd

from training.data import dev_set
from training.metrics import MODEL, Flags, Floats, Labels, calibration_error, percent
from training.options import options
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.scoring import Scorer, Windows

# All are tried: one number needs no optimiser.
TEMPERATURES = np.round(np.arange(0.2, 5, 0.01), 2)
CONFIDENCES = np.round(np.arange(0, 1, 0.01), 2)


@dataclass(frozen=True)
class Settings:
    """Which model is calibrated, on which rows, and how often the verdicts that are not hard to say must be right."""

    data: Path
    model: Path = MODEL
    right: float = 0.8  # four of five
    dev_rows: int = 500  # of each source: the large ones would drown the rest
    seed: int = 2
    threads: int = 0


def fit_temperature(seen: Windows, meaning: Floats, labels: Labels) -> float:
    """The temperature with the least mean -log P(label): windows of texts, meaning (labels, 3), labels (texts,)."""

    def loss(temperature: float) -> float:
        probabilities = (seen.probabilities(temperature) @ meaning)[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(probabilities, 1e-12)).mean())

    return float(min(TEMPERATURES, key=loss))


def choose_threshold(confidence: Floats, right: Flags, wanted: float) -> float:
    """The lowest confidence from which a share `wanted` of the verdicts is right; (rows,) both."""
    for threshold in CONFIDENCES:
        said = confidence >= threshold
        if said.any() and right[said].mean() >= wanted:
            return float(threshold)
    raise SystemExit(f"not calibrated: no confidence makes {wanted:.0%} of the verdicts right; lower --right")


def outcome(confidence: Floats, right: Flags, threshold: float, weights: Floats | None = None) -> dict[str, float]:
    """Calibration error, and in percent: how many verdicts are said, how many of all, said and unsaid are right."""
    weights = np.ones(len(right)) if weights is None else weights
    said = confidence >= threshold

    def accuracy(rows: Flags) -> float:
        return percent(np.average(right[rows], weights=weights[rows])) if rows.any() else 0.0

    return {
        "calibration_error": calibration_error(confidence, right, weights),
        "coverage": percent(weights[said].sum() / weights.sum()),
        "accuracy": accuracy(said | ~said),
        "accuracy_said": accuracy(said),
        "accuracy_hard": accuracy(~said),
    }


def judged(probabilities: Floats, labels: Labels) -> tuple[Floats, Flags]:
    """Confidence of the verdicts and whether they are right, (rows,) both, from probabilities (rows, 3)."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def calibrate(model: Path, rows: pd.DataFrame, wanted: float, threads: int = 0) -> dict[str, Any]:
    """Fit on rows, write into the model's config.json, and return what came of it, for training.json."""
    scorer = Scorer(lambda: open_classifier(str(model), threads))
    scorer.load()
    seen, labels = scorer.windows(rows.text.tolist(), Event()), rows.label.to_numpy()
    temperature = fit_temperature(seen, scorer.meaning, labels)
    before, after = (judged(seen.probabilities(t) @ scorer.meaning, labels) for t in (1, temperature))
    threshold = choose_threshold(*after, wanted)
    path = model / "config.json"
    config = {**json.loads(path.read_text()), "temperature": temperature, "hard_to_say_below": threshold}
    path.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n")
    return {
        "rows": len(rows),
        "wanted": percent(wanted),
        "calibration_error_before": calibration_error(*before),
        **outcome(*after, threshold),
    }


def main() -> None:
    """Calibrate a model where it lies."""
    settings = options(Settings)
    if not (settings.model / "model.onnx").is_file():
        raise SystemExit(f"{settings.model} holds no model.onnx: run training.export, or name its folder with --model")
    rows = dev_set(settings.data, settings.dev_rows, settings.seed)
    found = calibrate(settings.model, rows, settings.right, settings.threads)
    path = settings.model / "training.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, "calibration": found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
