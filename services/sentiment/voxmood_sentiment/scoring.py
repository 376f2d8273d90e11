"""Read texts of any length with a classifier: windows, batches, probabilities.

A window's logits, divided by the model's temperature, become probabilities by softmax; a long text has the mean of its
windows, weighted by their tokens. Temperature: Guo et al. 2017, "On Calibration of Modern Neural Networks",
arXiv:1706.04599. Not done here: HTTP, the model itself, and finding its temperature, see training/calibrate.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np

from voxmood_sentiment.classifier import Classifier, Floats, Ids
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
    hard_to_say: bool  # the most probable class is less probable than the model's verdicts should be

    @property
    def verdict(self) -> Verdict:
        """The most probable class."""
        return VERDICTS[int(self.classes.argmax())]


@dataclass(frozen=True)
class Windows:
    """The windows of texts: logits (windows, labels), tokens (windows,), and the first window of each text (texts,)."""

    logits: Floats
    tokens: Ids
    first: Ids

    def mean(self, values: Floats) -> Floats:
        """Means (texts, labels) of values (windows, labels), weighted by the windows' tokens."""
        sums = np.add.reduceat(values * self.tokens[:, None], self.first)
        return np.asarray(sums / np.add.reduceat(self.tokens, self.first)[:, None], np.float32)

    def probabilities(self, temperature: float) -> Floats:
        """Probabilities (texts, labels)."""
        return self.mean(softmax(self.logits / temperature))


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
        if not texts:
            return []
        seen, temperature = self.windows(texts, stop), self.classifier.temperature
        logits, probabilities = seen.mean(seen.logits / temperature), seen.probabilities(temperature)
        classes = probabilities @ self.meaning
        tokens = np.add.reduceat(seen.tokens, seen.first)
        counts = np.diff(seen.first, append=len(seen.tokens))
        return [
            Reading(
                logits=logits[index],
                probabilities=probabilities[index],
                classes=classes[index],
                windows=int(counts[index]),
                tokens=int(tokens[index]),
                hard_to_say=bool(classes[index].max() < self.classifier.hard_to_say_below),
            )
            for index in range(len(texts))
        ]

    def windows(self, texts: Sequence[str], stop: Event) -> Windows:
        """What the model makes of each window of one or more texts. Raises HungUp as `read` does."""
        rows: list[list[int]] = []
        first = []
        for text in map(clean, texts):
            first.append(len(rows))
            encoding = self.classifier.tokenizer.encode(text, add_special_tokens=False)
            cuts = windows(text, encoding.offsets, self.room)
            rows.extend([*self.before, *encoding.ids[cut], *self.after] for cut in cuts)
        return Windows(self._logits(rows, stop), np.array([len(row) for row in rows]), np.array(first))

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
