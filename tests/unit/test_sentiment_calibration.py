"""A model's temperature and the confidence below which its verdicts are hard to say: read from config.json, applied."""

import json
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests.unit.test_sentiment_checkpoint import ask
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.errors import ModelError
from voxmood_sentiment.scoring import Scorer, softmax
from voxmood_sentiment.settings import SHIPPED

TEXTS = [
    "Thank you so much, this is wonderful!",
    "You forgot my birthday again.",
    "Ну такое, бывало и лучше.",
    "We had lunch, and then it got awful. " * 40,
]


def model(folder: Path, **changes: object) -> Path:
    """The shipped model, uncalibrated, with changes to its config.json."""
    folder.mkdir(exist_ok=True)
    for name in ("model.onnx", "tokenizer.json"):
        if not (folder / name).exists():
            (folder / name).symlink_to(SHIPPED / name)
    config = json.loads((SHIPPED / "config.json").read_text())
    plain = {key: value for key, value in config.items() if key not in ("temperature", "hard_to_say_below")}
    (folder / "config.json").write_text(json.dumps({**plain, **changes}))
    return folder


async def test_the_temperature_divides_the_logits_of_each_window(tmp_path: Path) -> None:
    scorer = Scorer(lambda: open_classifier(str(model(tmp_path)), threads=1))
    scorer.load()
    expected = []
    for text in TEXTS:
        seen = scorer.windows([text], Event())
        expected.append(np.average(softmax(seen.logits / 2.5), axis=0, weights=seen.tokens))
    answer = await ask(model(tmp_path, temperature=2.5), "/classify", {"texts": TEXTS})
    assert answer["results"][-1]["windows"] > 1
    for result, probabilities in zip(answer["results"], expected, strict=True):
        assert list(result["scores"].values()) == pytest.approx(probabilities.tolist(), abs=0.002)

    given = await ask(tmp_path, "/predict", {"inputs": TEXTS[0]})
    raw = await ask(tmp_path, "/predict", {"inputs": TEXTS[0], "raw_scores": True})
    assert given[0]["score"] == pytest.approx(expected[0].max(), abs=1e-3)
    assert set(given[0]) == {"score", "label"}
    assert softmax(np.array([each["score"] for each in raw])) == pytest.approx([each["score"] for each in given])


async def test_verdicts_below_the_threshold_are_hard_to_say(tmp_path: Path) -> None:
    plain = (await ask(model(tmp_path), "/classify", {"texts": TEXTS}))["results"]
    assert not any(result["hard_to_say"] for result in plain), "a model without a threshold is taken at its word"
    confidences = sorted(result["confidence"] for result in plain)
    threshold = (confidences[0] + confidences[-1]) / 2
    doubted = (await ask(model(tmp_path, hard_to_say_below=threshold), "/classify", {"texts": TEXTS}))["results"]
    assert [result["hard_to_say"] for result in doubted] == [result["confidence"] < threshold for result in plain]
    assert [result["verdict"] for result in doubted] == [result["verdict"] for result in plain]


async def test_without_them_all_is_as_with_a_temperature_of_one(tmp_path: Path) -> None:
    answers = [
        await ask(model(tmp_path, **changes), "/classify", {"texts": TEXTS})
        for changes in ({}, {"temperature": 1, "hard_to_say_below": 0})
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("value", [-1, "1", None, True, float("nan"), float("inf"), 1000, [1]])
@pytest.mark.parametrize("name", ["temperature", "hard_to_say_below"])
def test_a_wrong_value_is_named_with_what_to_do(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"{name} in .*config.json is .*correct it, leave it out, or run training"):
        open_classifier(str(model(tmp_path, **{name: value})), threads=1)
