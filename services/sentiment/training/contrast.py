"""A hundred pairs of texts that differ little and mean opposite moods, and how many of them a model tells apart.

texts/contrast.csv has the columns lang, phenomenon, negative, positive: ten phenomena, five pairs of each in English
and in Russian, made up for this purpose. A text is judged right when its side is more probable than the other, whatever
neutral has. Who guesses has half of the texts and a quarter of the pairs; who ignores word order judges both texts of
a "word order" pair alike, and has none of those pairs.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PAIRS = Path(__file__).resolve().parent / "texts" / "contrast.csv"


def pairs() -> pd.DataFrame:
    """The pairs, one a row."""
    return pd.read_csv(PAIRS)


def judge(probabilities: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Percent of texts, and of pairs with both texts, judged right: of all, of each language, of each phenomenon.

    `probabilities` (200, 3) are of the negative texts in the order of `pairs`, then of the positive ones.
    """
    negative, positive = np.split(probabilities[:, 0] - probabilities[:, 2], 2)
    right = np.stack([negative > 0, positive < 0])
    table = pairs()
    groups = {"all": np.full(len(table), True)}
    for column in ("lang", "phenomenon"):
        groups |= {name: (table[column] == name).to_numpy() for name in table[column].unique()}
    return {
        name: {
            "texts": round(100 * float(right[:, rows].mean()), 1),
            "pairs": round(100 * float(right[:, rows].all(axis=0).mean()), 1),
        }
        for name, rows in groups.items()
    }
