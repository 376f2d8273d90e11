"""The rungs that are networks over tokens, and the loop that trains them all.

A network is three parts: a body turns tokens into vectors, a pool makes one vector of them, a linear head the logits.
The loop: AdamW, warm-up, linear decay, batches of texts of like length; the epoch with the best macro-F1 on dev rows
is kept, and three epochs without a better one end it. Not done here: which rungs there are, see baselines.py.
"""

import copy
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoModel

from voxmood_sentiment.labels import VERDICTS

Ids = list[int]


class Pool(nn.Module):
    """One vector (rows, width) from token vectors (rows, tokens, width) and a mask (rows, tokens), False at padding.

    first (CLS), last, mean, max, or attention: a convolution over three neighbouring vectors gives each token a
    score, the softmax of the scores over the tokens gives weights, the vector is the weighted sum.
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.score = nn.Conv1d(width, 1, kernel_size=3, padding=1) if kind == "attention" else None

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The pooled vector; padding has no part in it."""
        if self.kind == "first":
            return vectors[:, 0]
        if self.kind == "last":
            return vectors[torch.arange(len(vectors)), mask.sum(1) - 1]
        if self.kind == "max":
            return vectors.masked_fill(~mask[:, :, None], -math.inf).amax(1)
        vectors = vectors * mask[:, :, None]  # the convolution must see nothing beside the last token
        if self.score is None:
            return vectors.sum(1) / mask.sum(1, keepdim=True)
        scores = self.score(vectors.transpose(1, 2)).squeeze(1).masked_fill(~mask, -math.inf)
        pooled: Tensor = (scores.softmax(1)[:, :, None] * vectors).sum(1)
        return pooled


class Words(nn.Module):
    """Word vectors that start from given ones (words, width), brought to mean zero and spread one, and learn along."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        super().__init__()
        known = vectors[1:]  # without padding
        start = torch.from_numpy((vectors - known.mean(axis=0)) / known.std(axis=0))
        start[0] = 0
        self.table = nn.Embedding(len(start), start.shape[1], padding_idx=0, _weight=start)
        self.drop = nn.Dropout(0.3)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors (rows, tokens, width)."""
        vectors: Tensor = self.drop(self.table(ids))
        return vectors


class Recurrent(Words):
    """A GRU over word vectors. Cho et al. 2014, "Learning Phrase Representations", arXiv:1406.1078."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        super().__init__(vectors)
        width = vectors.shape[1]
        self.gru = nn.GRU(width, width, batch_first=True)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States (rows, tokens, width). It reads from left to right: padding comes after all that counts."""
        states: Tensor = self.gru(super().forward(ids, mask))[0]
        return states


class Encoder(Words):
    """A small transformer encoder over word vectors. Vaswani et al. 2017, arXiv:1706.03762."""

    def __init__(self, vectors: NDArray[np.float32], layers: int = 2, heads: int = 4) -> None:
        super().__init__(vectors)
        width = vectors.shape[1]
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors (rows, tokens, width), each of which has seen all others."""
        vectors = super().forward(ids, mask)
        placed = vectors + places(vectors.shape[1], vectors.shape[2])
        seen: Tensor = self.layers(placed, src_key_padding_mask=~mask)
        return seen


def places(tokens: int, width: int) -> Tensor:
    """Where a token stands, (tokens, width): sines and cosines of its place, slower from column to column."""
    angles = torch.arange(tokens)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Bert(nn.Module):
    """A pretrained encoder; its word embeddings stay frozen, as in train.py. Devlin et al. 2018, arXiv:1810.04805."""

    def __init__(self, base: str) -> None:
        super().__init__()
        # Eager attention, without dropout there: as in train.py, and 1.5 times as fast in bf16 on a CPU.
        self.encoder = AutoModel.from_pretrained(
            base,
            dtype=torch.float32,
            add_pooling_layer=False,
            attn_implementation="eager",
            attention_probs_dropout_prob=0.0,
        )
        self.encoder.embeddings.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors (rows, tokens, width), each of which has seen all others."""
        vectors: Tensor = self.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return vectors


class Network(nn.Module):
    """Body, pool and head; how texts become ids, and whether batches are multiplied in bf16."""

    def __init__(
        self, body: nn.Module, pool: str, width: int, encode: Callable[[list[str]], list[Ids]], bf16: bool = False
    ) -> None:
        super().__init__()
        self.body, self.pool, self.head = body, Pool(pool, width), nn.Linear(width, len(VERDICTS))
        self.encode, self.bf16 = encode, bf16
        self.epochs: int | None = None

    @property
    def size(self) -> int:
        """All weights, frozen ones too."""
        return sum(weight.numel() for weight in self.parameters())

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits (rows, 3) of ids (rows, tokens); mask is False at padding."""
        # For a text alone, casting the weights costs more than it gains.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16 and len(ids) > 1):
            logits: Tensor = self.head(self.pool(self.body(ids, mask), mask))
        return logits.float()

    @torch.inference_mode()
    def read(self, texts: Sequence[Ids]) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of tokenised texts."""
        self.eval()
        found = np.empty((len(texts), len(VERDICTS)))
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for batch in (order[start : start + 128] for start in range(0, len(order), 128)):
            found[batch] = self(*pad([texts[index] for index in batch])).softmax(1).numpy()
        return found

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (rows, 3) of negative, neutral, positive."""
        return self.read(self.encode(list(texts)))


def pad(texts: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """Ids (rows, tokens), filled up with zeros on the right, and the mask (rows, tokens) that is False there."""
    lengths = torch.tensor([len(text) for text in texts])
    ids = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
    return ids, torch.arange(ids.shape[1]) < lengths[:, None]


def batches(lengths: Sequence[int], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Every index once, in random batches of like length: shuffled, sorted by length within fifty batches."""
    order = chance.sample(range(len(lengths)), len(lengths))
    blocks = [sorted(order[at : at + 50 * size], key=lengths.__getitem__) for at in range(0, len(order), 50 * size)]
    found = [block[at : at + size] for block in blocks for at in range(0, len(block), size)]
    chance.shuffle(found)
    yield from found


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; `head_rate` is the learning rate of all but the body."""

    epochs: int
    batch: int
    rate: float
    head_rate: float
    seed: int


def fit(network: Network, train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe) -> Network:
    """Train on rows with columns text and label, keep the best epoch by dev macro-F1."""
    texts, dev_texts = network.encode(train.text.tolist()), network.encode(dev.text.tolist())
    labels, lengths = torch.tensor(train.label.to_numpy()), [len(text) for text in texts]
    top = [*network.pool.parameters(), *network.head.parameters()]
    groups = [{"params": network.body.parameters(), "lr": recipe.rate}, {"params": top, "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = recipe.epochs * math.ceil(len(texts) / recipe.batch)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))
    )
    chance, best, kept = random.Random(recipe.seed), -1.0, network.state_dict()
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        for batch in batches(lengths, recipe.batch, chance):
            optimizer.zero_grad()
            loss = cross_entropy(network(*pad([texts[index] for index in batch])), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        score = f1_score(dev.label, network.read(dev_texts).argmax(axis=1), average="macro")
        print(f"  epoch {epoch}: dev macro-F1 {score:.3f}", flush=True)
        if score > best:
            best, kept, network.epochs = score, copy.deepcopy(network.state_dict()), epoch
        elif epoch >= (network.epochs or 0) + 3:
            break
    network.load_state_dict(kept)
    return network
