"""The lowest rungs: a text is the bag of its words, and a linear layer weighs them.

`Linear`, features and a linear classifier on them, also ends the rungs of vectors.py. Not done here: word order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_union
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from voxmood_sentiment.labels import VERDICTS

# Or torch warns that it does not check sparse matrices, here and in the gradients of GloVe.
torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]


class Classifier(Protocol):
    """What scikit-learn calls a classifier."""

    def predict_proba(self, features: Any) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of features (rows, columns)."""


@dataclass(frozen=True)
class Linear:
    """Features of texts, (rows, columns), and the linear classifier on them."""

    features: Callable[[Sequence[str]], Any]
    classifier: Classifier
    size: int  # weights
    epochs: int | None = None

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of negative, neutral, positive."""
        return self.classifier.predict_proba(self.features(texts))


class Sigmoids:
    """The mini network: one linear layer, three sigmoids, each one class against the rest; see `sigmoids`."""

    def __init__(self, columns: int) -> None:
        self.weight = torch.zeros(columns, len(VERDICTS), requires_grad=True)
        self.bias = torch.zeros(len(VERDICTS), requires_grad=True)

    def logits(self, features: Any) -> torch.Tensor:
        """Logits (rows, 3) of a scipy matrix (rows, columns)."""
        own = features.tocoo()
        at = torch.from_numpy(np.array([own.row, own.col], np.int64))
        matrix = torch.sparse_coo_tensor(at, torch.from_numpy(own.data).float(), own.shape)
        logits: torch.Tensor = torch.sparse.mm(matrix, self.weight) + self.bias
        return logits

    @torch.inference_mode()
    def predict_proba(self, features: Any) -> NDArray[np.float64]:
        """The sigmoids, divided by their sum: (rows, 3)."""
        powers = self.logits(features).sigmoid().double().numpy()
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares


def sigmoids(train: pd.DataFrame, dev: pd.DataFrame, steps: int, rate: float) -> Linear:
    """Train the mini network on TF-IDF of words by gradient descent on all rows at once (Adam).

    sigma(z) = 1 / (1 + e^-z); the loss is binary cross-entropy, -sum over classes of y ln p + (1 - y) ln(1 - p).
    Of every tenth step the one with the best macro-F1 on the dev rows is kept.
    """
    words = TfidfVectorizer(min_df=2, sublinear_tf=True)
    features, dev_features = words.fit_transform(train.text), words.transform(dev.text)
    goals = one_hot(torch.tensor(train.label.to_numpy()), len(VERDICTS)).float()
    model = Sigmoids(features.shape[1])
    optimizer = torch.optim.Adam([model.weight, model.bias], lr=rate)
    best, kept, chosen = -1.0, (model.weight.detach(), model.bias.detach()), 0
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model.logits(features), goals).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 10 == 0:
            score = f1_score(dev.label, model.predict_proba(dev_features).argmax(axis=1), average="macro")
            if score > best:
                best, kept, chosen = score, (model.weight.detach().clone(), model.bias.detach().clone()), step
    model.weight, model.bias = kept
    return Linear(words.transform, model, model.weight.numel() + model.bias.numel(), chosen)


def bag_of_words(train: pd.DataFrame, strength: float) -> Linear:
    """TF-IDF of words, pairs of words and pieces of words, and logistic regression: softmax(W x + b).

    `strength` is the inverse of the regularisation. The order of words is lost but for the pairs.
    """
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=5, sublinear_tf=True)
    features = make_union(words, pieces)
    classifier = LogisticRegression(C=strength, max_iter=1000)
    classifier.fit(features.fit_transform(train.text), train.label)
    return Linear(features.transform, classifier, classifier.coef_.size + classifier.intercept_.size)
