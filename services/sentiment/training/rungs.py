"""The rungs of the ladder, from the lowest up, and the settings that they are trained with.

Not done here: the methods themselves (bags.py, vectors.py, networks.py) and the command (baselines.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer

from training.bags import Linear, bag_of_words, sigmoids
from training.networks import Bert, Encoder, Network, Recipe, Recurrent, Words, fit
from training.vectors import Learn, Vocabulary, glove, mean_of_vectors, word2vec

COMMON = ("seed", "rows", "dev_rows")  # what every rung hangs on


@dataclass(frozen=True)
class Settings:
    """Which rungs, on which rows, and their hyperparameters, each with its why."""

    data: Path
    base: str = "runs/base"
    docs: Path = Path(__file__).resolve().parents[3] / "docs"
    shipped: str = "voxmood-1"  # its name in model/metrics.json
    rungs: list[str] = field(default_factory=list)  # none named: all
    again: bool = False
    card: bool = False
    seed: int = 1
    rows: int = 8_000  # enough to tell the rungs apart in an hour
    dev_rows: int = 150  # of each source that has a test file
    steps: int = 300  # of the sigmoids; their best comes earlier
    step: float = 0.05  # learning rate of the sigmoids
    strength: float = 3.0  # of the bag of words: inverse of the regularisation
    width: int = 128  # of the word vectors
    window: int = 5  # words to either side that count as near
    passes: int = 10  # over the texts, to learn word vectors
    tokens: int = 96  # as in train.py
    batch: int = 64  # smaller ones, of texts of like length, make dev figures jump
    epochs: int = 10  # at most: they stop early
    rate: float = 2e-3
    bert_batch: int = 32
    bert_epochs: int = 2
    bert_rate: float = 1e-4  # the head has four times as much, as in train.py


class Model(Protocol):
    """A trained rung."""

    @property
    def size(self) -> int:
        """How many weights it has."""

    @property
    def epochs(self) -> int | None:
        """How many were best on the dev rows; None if there was nothing to choose."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of negative, neutral, positive."""


@dataclass(frozen=True)
class Rung:
    """A rung: how it is trained on training and dev rows, and the settings that its figures hang on."""

    title: str
    train: Callable[[Settings, pd.DataFrame, pd.DataFrame], Model]
    uses: tuple[str, ...]

    def settings(self, settings: Settings) -> dict[str, Any]:
        """The settings that it uses, by name."""
        return {name: getattr(settings, name) for name in (*COMMON, *self.uses)}


def on_counts(settings: Settings, train: pd.DataFrame, dev: pd.DataFrame) -> Linear:
    """Train the mini network."""
    return sigmoids(train, dev, settings.steps, settings.step)


def on_pieces(settings: Settings, train: pd.DataFrame, dev: pd.DataFrame) -> Linear:
    """Fit the bag of words; nothing is chosen on dev rows."""
    return bag_of_words(train, settings.strength)


def on_means(settings: Settings, train: pd.DataFrame, dev: pd.DataFrame, learn: Learn) -> Linear:
    """Learn word vectors, and fit a linear classifier on the mean of each text; nothing is chosen on dev rows."""
    return mean_of_vectors(train, learn, settings.width, settings.window, settings.passes, settings.seed)


def on_words(settings: Settings, train: pd.DataFrame, dev: pd.DataFrame, body: type[Words], pool: str) -> Network:
    """Train a network over word vectors; all of them start from those of the Word2Vec rung."""
    torch.manual_seed(settings.seed)
    vocabulary = Vocabulary(train.text)
    texts = vocabulary.encode(train.text)
    vectors = word2vec(vocabulary, texts, settings.width, settings.window, settings.passes, settings.seed)
    network = Network(body(vectors), pool, settings.width, partial(vocabulary.encode, limit=settings.tokens))
    recipe = Recipe(settings.epochs, settings.batch, settings.rate, settings.rate, settings.seed)
    return fit(network, train, dev, recipe)


def on_bert(settings: Settings, train: pd.DataFrame, dev: pd.DataFrame, pool: str) -> Network:
    """Fine-tune the base encoder under a pool."""
    torch.manual_seed(settings.seed)
    tokenizer, body = AutoTokenizer.from_pretrained(settings.base), Bert(settings.base)

    def encode(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=settings.tokens)["input_ids"]
        return ids

    network = Network(body, pool, body.encoder.config.hidden_size, encode, bf16=True)
    rate = settings.bert_rate
    return fit(network, train, dev, Recipe(settings.bert_epochs, settings.bert_batch, rate, 4 * rate, settings.seed))


VECTORS = ("width", "window", "passes")
NETWORK = (*VECTORS, "tokens", "batch", "epochs", "rate")
BERT = ("tokens", "bert_batch", "bert_epochs", "bert_rate")
RUNGS = {
    "sigmoids": Rung("three sigmoids", on_counts, ("steps", "step")),
    "bag": Rung("bag of words", on_pieces, ("strength",)),
    "word2vec": Rung("Word2Vec, mean", partial(on_means, learn=word2vec), VECTORS),
    "glove": Rung("GloVe, mean", partial(on_means, learn=glove), VECTORS),
    "gru": Rung("GRU, last state", partial(on_words, body=Recurrent, pool="last"), NETWORK),
    "mean": Rung("learned vectors, mean", partial(on_words, body=Words, pool="mean"), NETWORK),
    "max": Rung("learned vectors, max", partial(on_words, body=Words, pool="max"), NETWORK),
    "attention": Rung("learned vectors, attention", partial(on_words, body=Words, pool="attention"), NETWORK),
    "transformer": Rung("small transformer, mean", partial(on_words, body=Encoder, pool="mean"), NETWORK),
    "bert-cls": Rung("BERT, CLS", partial(on_bert, pool="first"), BERT),
    "bert-mean": Rung("BERT, mean", partial(on_bert, pool="mean"), BERT),
    "bert-max": Rung("BERT, max", partial(on_bert, pool="max"), BERT),
    "bert-attention": Rung("BERT, attention", partial(on_bert, pool="attention"), BERT),
}
