"""Word vectors learned from our own training texts, without their labels: Word2Vec and GloVe.

Words are lower-cased, marks of punctuation count as words; words seen once share the vector of <unk>. Not the pieces
of the base tokenizer: both methods are defined on words, and pieces would bring in what others' texts have taught it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from gensim.models import Word2Vec
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from training.bags import Linear

PAD, UNKNOWN = "<pad>", "<unk>"
Floats = NDArray[np.float32]
Ids = list[int]
Learn = Callable[["Vocabulary", Sequence[Ids], int, int, int, int], Floats]


class Vocabulary:
    """The words that at least two times stand in the texts, by frequency; 0 is padding, 1 any other word."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in words_of(text))
        self.words = [PAD, UNKNOWN, *(word for word, count in counts.most_common() if count > 1)]
        self.ids = {word: number for number, word in enumerate(self.words)}

    def encode(self, texts: Iterable[str], limit: int | None = None) -> list[Ids]:
        """Ids of the first `limit` words of each text; a text without a word is one unknown word."""
        return [[self.ids.get(word, 1) for word in words_of(text)[:limit]] or [1] for text in texts]


def words_of(text: str) -> list[str]:
    """Lower-cased words, hyphens and apostrophes inside them kept, and single marks."""
    return re.findall(r"\w+(?:['’-]\w+)*|[^\w\s]", text.lower())


def word2vec(vocabulary: Vocabulary, texts: Sequence[Ids], width: int, window: int, passes: int, seed: int) -> Floats:
    """Vectors (words, width) by skip-gram with negative sampling.

    A word v is to tell its neighbours u within `window` from five random words n:
    ln sigma(u.v) + sum over n of ln sigma(-n.v) is made large. Mikolov et al. 2013, "Distributed Representations of
    Words and Phrases and their Compositionality", arXiv:1310.4546. One worker, so that a seed gives the same vectors.
    """
    sentences = [[vocabulary.words[number] for number in text] for text in texts]
    model = Word2Vec(
        sentences, vector_size=width, window=window, sg=1, negative=5, min_count=1, epochs=passes, seed=seed, workers=1
    )
    vectors = np.zeros((len(vocabulary.words), width), np.float32)
    for word in model.wv.index_to_key:
        vectors[vocabulary.ids[word]] = model.wv[word]
    return vectors


def glove(vocabulary: Vocabulary, texts: Sequence[Ids], width: int, window: int, passes: int, seed: int) -> Floats:
    """Vectors (words, width) by weighted least squares on co-occurrences.

    The sum over pairs of f(X_ij) (w_i.c_j + a_i + b_j - ln X_ij)^2 is made small by AdaGrad, where X_ij counts how
    often j stands near i and f(x) = min(1, (x / 100)^(3/4)); the vector of a word is w_i + c_i. Pennington, Socher and
    Manning 2014, "GloVe: Global Vectors for Word Representation". The counts are small here, so f's limit is 10.
    """
    left, right, counts = (torch.from_numpy(column) for column in near(texts, len(vocabulary.words), window))
    logs, weights = counts.log(), (counts / 10).clamp(max=1) ** 0.75
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    size = len(vocabulary.words)
    words, contexts = (nn.Embedding(size, width, sparse=True) for _ in range(2))
    word_biases, context_biases = (nn.Embedding(size, 1, sparse=True) for _ in range(2))
    tables = nn.ModuleList([words, contexts, word_biases, context_biases])
    for table in tables.parameters():
        nn.init.uniform_(table, -0.5 / width, 0.5 / width)
    optimizer = torch.optim.Adagrad(tables.parameters(), lr=0.05)
    for _ in range(passes):
        for batch in np.array_split(chance.permutation(len(counts)), len(counts) // 2048 + 1):
            i, j = left[batch], right[batch]
            guess = (words(i) * contexts(j)).sum(1) + (word_biases(i) + context_biases(j)).squeeze(1)
            optimizer.zero_grad()
            (weights[batch] * (guess - logs[batch]) ** 2).mean().backward()
            optimizer.step()
    vectors: Floats = (words.weight + contexts.weight).detach().numpy()
    vectors[0] = 0
    return vectors


def near(texts: Sequence[Ids], size: int, window: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Co-occurrences within `window` words: pairs (i, j) and their counts, a neighbour d words away counting 1/d."""
    words = np.concatenate([np.array(text, np.int64) for text in texts])
    origin = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    keys, shares = [], []
    for distance in range(1, window + 1):
        first, second = words[:-distance], words[distance:]
        same = origin[:-distance] == origin[distance:]
        for one, other in ((first, second), (second, first)):
            keys.append(one[same] * size + other[same])
            shares.append(np.full(same.sum(), 1 / distance))
    pairs, which = np.unique(np.concatenate(keys), return_inverse=True)
    counts = np.bincount(which, weights=np.concatenate(shares)).astype(np.float32)
    return pairs // size, pairs % size, counts


def mean_of_vectors(train: pd.DataFrame, learn: Learn, width: int, window: int, passes: int, seed: int) -> Linear:
    """Learn vectors from the texts, then logistic regression on the mean vector of each text."""
    vocabulary = Vocabulary(train.text)
    vectors = learn(vocabulary, vocabulary.encode(train.text), width, window, passes, seed)

    def features(texts: Iterable[str]) -> Any:
        return np.array([vectors[text].mean(axis=0) for text in vocabulary.encode(texts)])

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(features(train.text), train.label)
    return Linear(features, classifier, vectors.size + 3 * (width + 1))
