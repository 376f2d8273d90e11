"""Do the words that `explain` names carry the verdict? Leave them out, and as many random ones, and compare.

    python -m training.deletion --data DIR        # 7 min on one core

For every dev text: how much probability its verdict loses without the k words that speak most for it, and without k
random words, mean of some draws. The first is "comprehensiveness" of DeYoung et al. 2020, "ERASER", arXiv:1911.03429.
For one word it is the largest of what `explain` has measured, so more than chance by construction; that the words
also belong together is told by the rows of several words. Writes model/deletion.json and prints it. Not done here:
whether people would name the same words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import dev_set
from training.metrics import MODEL, markdown, percent, save
from training.options import options
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.explain import Weight, explain
from voxmood_sentiment.scoring import Reading, Scorer

RESULT = MODEL / "deletion.json"
# How many words are left out of a text with so many.
COUNTS: dict[str, Callable[[int], int]] = {
    "1": lambda _: 1,
    "2": lambda _: 2,
    "3": lambda _: 3,
    "20 %": lambda words: max(1, round(words / 5)),
}


@dataclass(frozen=True)
class Settings:
    """The texts, the model, and how random words are drawn."""

    data: Path
    model: str = str(MODEL)
    rows: int = 50  # of each source: a text is read once for every word
    seed: int = 2
    draws: int = 5  # of random words, for each text and count
    threads: int = 1


@dataclass(frozen=True)
class Case:
    """A text as it was read, its words, and those that speak for its verdict, the heaviest first."""

    text: str
    reading: Reading
    words: list[Weight]
    helpful: list[Weight]


def read_cases(scorer: Scorer, texts: Sequence[str], shortest: int = 5) -> list[Case]:
    """Read and explain texts; left out are those of fewer words, and those where none speaks for the verdict."""
    readings = scorer.read(texts, Event())
    explained = explain(scorer, texts, readings, sum(len(text) ** 2 for text in texts), Event())
    cases = []
    for text, reading, weights in zip(texts, readings, explained, strict=True):
        words = weights or []
        helpful = sorted((word for word in words if word.weight > 0), key=lambda word: -word.weight)
        if len(words) >= shortest and helpful:
            cases.append(Case(text, reading, words, helpful))
    return cases


def without(text: str, words: Sequence[Weight]) -> str:
    """The text with words left out, as `explain` leaves out one."""
    for word in sorted(words, key=lambda word: -word.start):
        text = text[: word.start] + text[word.end :]
    return text


def losses(scorer: Scorer, cases: Sequence[Case], variants: Sequence[str]) -> NDArray[np.float64]:
    """What each variant of each case lost of the probability of its verdict: (cases, variants of one)."""
    after = np.array([reading.classes for reading in scorer.read(variants, Event())], np.float64)
    before = np.array([case.reading.classes for case in cases], np.float64)
    verdict = before.argmax(axis=1)
    rows = np.arange(len(cases))
    kept = after.reshape(len(cases), -1, 3)[rows, :, verdict]
    lost: NDArray[np.float64] = before[rows, verdict][:, None] - kept
    return lost


def compare(scorer: Scorer, cases: Sequence[Case], draws: int, seed: int) -> dict[str, dict[str, Any]]:
    """For each of COUNTS, in percent points: mean losses without the named and without random words, their difference.

    The interval holds 95 % of the means of 1,000 bootstrap samples of the texts (Efron 1979, "Bootstrap Methods"). Of
    a text with fewer helpful words than are to be left out, all of them are, and as many random ones.
    """
    chance = np.random.default_rng(seed)
    results = {}
    for name, count in COUNTS.items():
        variants = []
        for case in cases:
            named = case.helpful[: count(len(case.words))]
            variants.append(without(case.text, named))
            for _ in range(draws):
                drawn = chance.choice(len(case.words), len(named), replace=False)
                variants.append(without(case.text, [case.words[index] for index in drawn]))
        loss = losses(scorer, cases, variants)
        difference = loss[:, 0] - loss[:, 1:].mean(axis=1)
        means = chance.choice(difference, (1000, len(cases))).mean(axis=1)
        results[name] = {
            "named": percent(loss[:, 0].mean()),
            "random": percent(loss[:, 1:].mean()),
            "difference": percent(difference.mean()),
            "interval": [percent(edge) for edge in np.percentile(means, [2.5, 97.5])],
        }
    return results


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown table of what `compare` returns."""
    rows = [[name, row["named"], row["random"], row["difference"], *row["interval"]] for name, row in results.items()]
    return markdown(["words left out", "named", "random", "difference", "from", "to"], rows)


def main() -> None:
    """Compare on dev texts, write down, print."""
    settings = options(Settings)
    scorer = Scorer(lambda: open_classifier(settings.model, settings.threads))
    scorer.load()
    cases = read_cases(scorer, dev_set(settings.data, settings.rows, settings.seed).text.tolist())
    results = compare(scorer, cases, settings.draws, settings.seed)
    facts = {"model": scorer.classifier.name, "texts": len(cases), "draws": settings.draws, "seed": settings.seed}
    save({**facts, "words": results}, RESULT)
    print(f"{len(cases)} dev texts: percent points that the probability of the verdict loses")
    print(table(results))


if __name__ == "__main__":
    main()
