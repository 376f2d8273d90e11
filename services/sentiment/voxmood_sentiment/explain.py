"""Why a verdict: how much each word speaks for it, found by leaving the word out.

Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901; on words,
Li et al. 2016, "Understanding Neural Networks through Representation Erasure", arXiv:1612.08220. The text is read
once more for every word, which is why requests are bounded before.
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


def explain(scorer: Scorer, texts: Sequence[str], readings: Sequence[Reading], stop: Event) -> list[list[Weight]]:
    """Weigh the words of texts that have been read: all variants of all texts go through the model together."""
    places = [(owner, start, end) for owner, text in enumerate(texts) for start, end in words(text)]
    variants = [texts[owner][:start] + texts[owner][end:] for owner, start, end in places]
    weights: list[list[Weight]] = [[] for _ in texts]
    for (owner, start, end), variant in zip(places, scorer.read(variants, stop), strict=True):
        verdict = int(readings[owner].classes.argmax())
        drop = readings[owner].classes[verdict] - variant.classes[verdict]
        weights[owner].append(Weight(start, end, float(drop)))
    return weights
