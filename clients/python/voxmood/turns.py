"""Where the mood of a recording turns: one change point over the scores of its sentences.

The cut that explains most of the variance (Scott and Knott 1974, "A Cluster Analysis Method for Grouping Means"), each
sentence weighing as much as it lasts. Not done here: moods themselves.
"""

from collections.abc import Sequence

from voxmood.models import Sentence, Turn

LONG = 20  # seconds: in a shorter message the turn is heard before it is read
LEAST = 0.6  # of the two that a score spans: less is the ups and downs of any talk
SIDE = 0.25  # the mood that it turns to must be one: a sad start that becomes businesslike is no happy end


def turn(sentences: Sequence[Sentence], duration: float | None) -> Turn | None:
    """The turn of a recording that lasts so many seconds; None where it has none, is short, or is a text."""
    found = change(sentences) if (duration or 0) > LONG else None
    return Turn(start=found.start, verdict=found.verdict) if found and found.start is not None else None


def change(sentences: Sequence[Sentence]) -> Sentence | None:
    """The first sentence after the turn, its mood being the mood from there on; None where there is none.

    Sentences without times (written text) weigh the same each.
    """
    weights = [max(0.5, (s.end or 0) - (s.start or 0)) for s in sentences]
    total = sum(weights)
    whole = sum(weight * s.score for weight, s in zip(weights, sentences, strict=True))
    best, found = 0.0, None
    weight = moved = 0.0
    for at in range(1, len(sentences)):
        weight += weights[at - 1]
        moved += weights[at - 1] * sentences[at - 1].score
        before, after = moved / weight, (whole - moved) / (total - weight)
        explained = weight * (total - weight) * (after - before) ** 2
        first = sentences[at]
        turned = abs(after - before) >= LEAST and abs(after) >= SIDE and after * first.score > 0
        same_way = (after > before) == (after > 0)
        if turned and same_way and explained > best:
            best, found = explained, first
    return found
