"""Why a verdict: how much each word speaks for it, found by leaving the word out.

Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901; on words,
Li et al. 2016, "Understanding Neural Networks through Representation Erasure", arXiv:1612.08220. A text is read once
more for every word, so there is a budget of characters: texts beyond it are judged, but not explained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from voxmood_sentiment.scoring import Reading, Scorer
from voxmood_sentiment.words import words


@dataclass(frozen=True)
class Weight:
    """A word at text[start:end], and what it adds to the probability of the verdict, in [-1, 1]."""

    start: int
    end: int
    weight: float


def explain(
    scorer: Scorer, texts: Sequence[str], readings: Sequence[Reading], budget: int, stop: Event
) -> list[list[Weight] | None]:
    """Weigh the words of texts that have been read: all variants of all texts go through the model together.

    None for a text that would take more characters than are left of `budget`.
    """
    weights: list[list[Weight] | None] = []
    places: list[tuple[int, int, int]] = []
    variants: list[str] = []
    for owner, text in enumerate(texts):
        found = words(text)
        cost = len(found) * len(text)
        weights.append([] if cost <= budget else None)
        if cost <= budget:
            budget -= cost
            places.extend((owner, start, end) for start, end in found)
            variants.extend(text[:start] + text[end:] for start, end in found)
    for (owner, start, end), variant in zip(places, scorer.read(variants, stop), strict=True):
        verdict = int(readings[owner].classes.argmax())
        drop = readings[owner].classes[verdict] - variant.classes[verdict]
        own = weights[owner]
        if own is not None:
            own.append(Weight(start, end, float(drop)))
    return weights
