"""Labels of foreign models are understood by name, or refused: a guess would turn verdicts round."""

import numpy as np
import pytest

from voxmood_sentiment.errors import UnknownLabels
from voxmood_sentiment.labels import meaning


def classes(labels: list[str]) -> list[int]:
    """Which verdict (0, 1, 2) each label counts for."""
    matrix = meaning(labels)
    assert (matrix.sum(axis=1) == 1).all()
    return [int(row.argmax()) for row in matrix]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["negative", "neutral", "positive"], [0, 1, 2]),
        (["POSITIVE", "NEGATIVE", "NEUTRAL"], [2, 0, 1]),
        (["NEG", "NEU", "POS"], [0, 1, 2]),
        (["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"], [0, 0, 1, 2, 2]),
        (["extremely_negative", "neutral", "slightly-positive"], [0, 1, 2]),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], [0, 0, 1, 2, 2]),
        (["негативный", "нейтральный", "позитивный"], [0, 1, 2]),
        (["Отрицательная", "нейтрально", "очень положительная"], [0, 1, 2]),
        (["1 звезда", "3 звезды", "5 звёзд"], [0, 1, 2]),
    ],
)
def test_names_tell_the_verdict(labels: list[str], expected: list[int]) -> None:
    assert classes(labels) == expected


def test_probabilities_of_one_verdict_are_added() -> None:
    stars = meaning([f"{number} stars" for number in range(1, 6)])
    scores = np.array([0.1, 0.2, 0.3, 0.25, 0.15], np.float32) @ stars
    assert scores == pytest.approx([0.3, 0.3, 0.4])


def test_two_classes_leave_neutral_at_zero() -> None:
    assert np.array([0.8, 0.2]) @ meaning(["NEGATIVE", "POSITIVE"]) == pytest.approx([0.8, 0, 0.2])


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["LABEL_0", "LABEL_1", "LABEL_2"], "LABEL_0, LABEL_1, LABEL_2"),
        (["negative", "neutral", "positive", "skip"], "skip"),
        (["0", "1"], "0, 1"),
        (["6 stars", "negative", "positive"], "6 stars"),
        (["possible", "negative"], "possible"),
    ],
)
def test_unknown_labels_are_named_with_what_to_do(labels: list[str], named: str) -> None:
    with pytest.raises(UnknownLabels, match=f"unknown meaning: {named};.*set id2label"):
        meaning(labels)


def test_a_model_without_one_pole_is_refused() -> None:
    with pytest.raises(UnknownLabels, match="no label means positive"):
        meaning(["negative", "neutral"])
