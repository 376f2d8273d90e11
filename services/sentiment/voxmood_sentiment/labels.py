"""Which of negative, neutral and positive a model's own labels mean, told by their names.

Not done here: guessing from positions. `LABEL_0` says nothing, and a wrong guess would turn every verdict round.
"""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxmood_sentiment.errors import UnknownLabels

Verdict: TypeAlias = Literal["negative", "neutral", "positive"]
VERDICTS: tuple[Verdict, ...] = ("negative", "neutral", "positive")

DEGREE = re.compile(r"^(very|extremely|strongly|somewhat|slightly|mostly|weakly|очень|скорее|крайне) ")
STARS = re.compile(r"^([1-5]) (stars?|зв[её]зд\w*)$")
NAMES = {
    "negative": re.compile(r"^(neg|negati[vf]\w*|негатив\w*|отрицательн\w*)$"),
    "neutral": re.compile(r"^(neu|neutr\w*|нейтральн\w*)$"),
    "positive": re.compile(r"^(pos|positi[vf]\w*|позитив\w*|положительн\w*)$"),
}


def verdict_of(label: str) -> int | None:
    """Position in VERDICTS of what a label means, None if its name does not tell. One to five stars count too."""
    name = DEGREE.sub("", " ".join(re.split(r"[\s_-]+", label.strip().lower())))
    if stars := STARS.match(name):
        return (0, 0, 1, 2, 2)[int(stars[1]) - 1]
    return next((VERDICTS.index(verdict) for verdict in VERDICTS if NAMES[verdict].match(name)), None)


def meaning(labels: Sequence[str]) -> NDArray[np.float32]:
    """Matrix (labels, 3) that adds up the probabilities of labels with one meaning.

    A model without a neutral label gives neutral 0. Raises UnknownLabels if a label has no known meaning, or if
    none is negative or none is positive.
    """
    meanings = [verdict_of(label) for label in labels]
    unknown = [label for label, found in zip(labels, meanings, strict=True) if found is None]
    missing = [VERDICTS[verdict] for verdict in (0, 2) if verdict not in meanings]
    if unknown or missing:
        what = f"labels of unknown meaning: {', '.join(unknown)}" if unknown else f"no label means {missing[0]}"
        raise UnknownLabels(
            f"the model has {what}; set id2label in its config.json to names such as negative, neutral, positive "
            "or 1 star ... 5 stars, or choose a sentiment model"
        )
    matrix = np.zeros((len(labels), len(VERDICTS)), np.float32)
    for row, column in enumerate(meanings):
        matrix[row, column] = 1
    return matrix
