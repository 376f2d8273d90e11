"""whisper.cpp's model file: hyperparameters, mel filters, tokens, then the weights, all little-endian.

The layout is what whisper.cpp's `models/convert-pt-to-ggml.py` writes with 16-bit weights. Not done here: quantising.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bench.peers.ct2 import Array, Weights

MAGIC = 0x67676D6C  # "ggml"
HALF = 1  # the code of float16, for the file as for a weight; that of float32 is 0
DIMENSIONS = (  # in the file's order
    "n_vocab",
    "n_audio_ctx",
    "n_audio_state",
    "n_audio_head",
    "n_audio_layer",
    "n_text_ctx",
    "n_text_state",
    "n_text_head",
    "n_text_layer",
    "n_mels",
)


def write(
    path: Path, weights: Weights, dims: dict[str, int], filters: NDArray[np.float32], tokens: list[bytes]
) -> None:
    """Write the file: weights and dimensions under openai-whisper's names, `filters` of shape (mels, frequencies)."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        _integers(file, MAGIC, *(dims[name] for name in DIMENSIONS), HALF)
        _integers(file, *filters.shape)
        file.write(filters.astype("<f4").tobytes())
        _integers(file, len(tokens))
        for token in tokens:
            _integers(file, len(token))
            file.write(token)
        for name, value in weights.items():
            _weight(file, name, value)
    part.rename(path)


def _weight(file: BinaryIO, name: str, value: Array) -> None:
    """Matrices in 16 bits; vectors and positions in 32, since the engine adds them to 32-bit numbers."""
    if name.endswith(("conv1.bias", "conv2.bias")):
        value = value[:, np.newaxis]
    half = value.ndim > 1 and not name.endswith((".bias", "positional_embedding"))
    title = name.encode()
    _integers(file, value.ndim, len(title), HALF if half else 0, *reversed(value.shape))
    file.write(title)
    file.write(value.astype("<f2" if half else "<f4").tobytes())


def _integers(file: BinaryIO, *numbers: int) -> None:
    file.write(np.array(numbers, "<i4").tobytes())
