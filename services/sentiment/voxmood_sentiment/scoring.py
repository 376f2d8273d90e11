"""Read texts of any length with a classifier: windows, batches, probabilities.

A window's logits become probabilities by softmax; a long text has the mean of its windows, weighted by their tokens.
Not done here: HTTP, and the model itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np

from voxmood_sentiment.classifier import Classifier, Floats
from voxmood_sentiment.labels import VERDICTS, Verdict, meaning
from voxmood_sentiment.windows import windows
from voxmood_sentiment.words import clean
from voxmood_service.problems import HungUp

BATCH_TOKENS = 512  # padding included: on a CPU larger batches are no faster and take more memory


@dataclass(frozen=True)
class Reading:
    """One text as the model read it: logits and probabilities (labels,), classes (3,) in the order of VERDICTS."""

    logits: Floats
    probabilities: Floats
    classes: Floats
    windows: int
    tokens: int

    @property
    def verdict(self) -> Verdict:
        """The most probable class."""
        return VERDICTS[int(self.classes.argmax())]


class Scorer:
    """A classifier with what it takes to read texts: special tokens, batches, the meaning of its labels."""

    def __init__(self, choose: Callable[[], Classifier]) -> None:
        """`choose` opens the classifier; it is called by `load`, which comes before all else."""
        self.choose = choose

    def load(self) -> None:
        """Load the model and read one text, so that the first request is as fast as the next. Raises ModelError."""
        self.classifier = self.choose()
        self.meaning = meaning(self.classifier.labels)
        frame = self.classifier.tokenizer.encode("a")
        content = frame.special_tokens_mask.index(0)
        self.before = frame.ids[:content]
        self.after = frame.ids[len(frame.ids) - frame.special_tokens_mask[::-1].index(0) :]
        self.room = self.classifier.max_tokens - len(self.before) - len(self.after)
        self.read(["a"], Event())

    def read(self, texts: Sequence[str], stop: Event) -> list[Reading]:
        """Read each text to its end. Raises HungUp between two batches once `stop` is set."""
        rows: list[list[int]] = []
        edges = []
        for text in map(clean, texts):
            encoding = self.classifier.tokenizer.encode(text, add_special_tokens=False)
            cuts = windows(text, encoding.offsets, self.room)
            rows.extend([*self.before, *encoding.ids[cut], *self.after] for cut in cuts)
            edges.append(len(rows))
        logits = self._logits(rows, stop)
        tokens = np.array([len(row) for row in rows])
        parts = zip(np.split(logits, edges[:-1]), np.split(tokens, edges[:-1]), strict=True)
        return [self._mean(own, count) for own, count in parts] if texts else []

    def _mean(self, logits: Floats, tokens: np.ndarray) -> Reading:
        probabilities = np.average(softmax(logits), axis=0, weights=tokens)
        return Reading(
            logits=np.average(logits, axis=0, weights=tokens),
            probabilities=probabilities,
            classes=probabilities @ self.meaning,
            windows=len(logits),
            tokens=int(tokens.sum()),
        )

    def _logits(self, rows: Sequence[Sequence[int]], stop: Event) -> Floats:
        logits = np.empty((len(rows), len(self.classifier.labels)), np.float32)
        for batch in batches([len(row) for row in rows]):
            if stop.is_set():
                raise HungUp("the client hung up before its answer was ready")
            width = max(len(rows[index]) for index in batch)
            ids = np.full((len(batch), width), self.classifier.pad_token, np.int64)
            mask = np.zeros_like(ids)
            for line, index in enumerate(batch):
                ids[line, : len(rows[index])] = rows[index]
                mask[line, : len(rows[index])] = 1
            logits[batch] = self.classifier.logits(ids, mask)
        return logits


def batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Indexes in order of length, in groups of at most `budget` tokens when padded to the longest."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def softmax(logits: Floats) -> Floats:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
