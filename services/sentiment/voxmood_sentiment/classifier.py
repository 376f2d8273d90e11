"""What the service needs of a model, and which back end serves which.

Not done here: windows, batches and verdicts, see scoring.py.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from voxmood_sentiment.errors import ModelError
from voxmood_sentiment.onnx_model import OnnxClassifier
from voxmood_sentiment.torch_model import TorchClassifier

Ids: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]


class Classifier(Protocol):
    """A sequence classifier, loaded."""

    name: str
    labels: Sequence[str]  # the model's own, in the order of its logits
    tokenizer: Tokenizer  # neither cuts nor pads
    max_tokens: int  # of one window, special tokens included
    pad_token: int
    temperature: float  # divides the logits; 1 where nobody has fitted one
    hard_to_say_below: float  # confidence; 0 where nobody has chosen one

    def logits(self, ids: Ids, mask: Ids) -> Floats:
        """Logits (rows, labels) of token ids (rows, tokens); mask is 0 where a row is padded."""


def open_classifier(model: str, threads: int) -> Classifier:
    """Load a model: with ONNX Runtime a folder with model.onnx, with torch a checkpoint or hub id.

    `threads` of one inference, 0: all cores. Raises ModelError if it cannot be served.
    """
    folder = Path(model).expanduser()
    if (folder / "model.onnx").is_file():
        return OnnxClassifier(folder, threads)
    if (folder / "config.json").is_file():
        return TorchClassifier(str(folder), threads)
    if folder.is_dir() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
        raise ModelError(
            f"{model} holds neither model.onnx nor a transformers checkpoint (config.json): "
            "point VOXMOOD_SENTIMENT_MODEL to a folder with one of them, or to a hub id"
        )
    return TorchClassifier(model, threads)
