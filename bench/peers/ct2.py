"""Read Whisper's weights out of a CTranslate2 `model.bin`, under the names that openai-whisper gives them.

The layout of the file is what `ctranslate2/specs/model_spec.py` writes, versions 5 and 6. Not done here: the other
engines' files, see weights.py.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
Weights = dict[str, Array]

TYPES = ("float32", "int8", "int16", "int32", "float16")
VERSIONS = (5, 6)
SIDES = ("encoder", "decoder")

# What the parts of a block are called: CTranslate2's name to openai-whisper's, for the keys, values and queries that
# CTranslate2 stacks into one matrix to several.
BLOCK = {
    "self_attention/layer_norm": ("attn_ln",),
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "self_attention/linear_1": ("attn.out",),
    "attention/layer_norm": ("cross_attn_ln",),
    "attention/linear_0": ("cross_attn.query",),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
    "attention/linear_2": ("cross_attn.out",),
    "ffn/layer_norm": ("mlp_ln",),
    "ffn/linear_0": ("mlp.0",),
    "ffn/linear_1": ("mlp.2",),
}
OUTSIDE = {
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "encoder/position_encodings/encodings": "encoder.positional_embedding",
    "decoder/layer_norm": "decoder.ln",
    "decoder/embeddings/weight": "decoder.token_embedding.weight",
    "decoder/position_encodings/encodings": "decoder.positional_embedding",
}
ENDINGS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def read(path: Path) -> Weights:
    """Every variable of a CTranslate2 model, scalars included; aliases are left out.

    Raises ValueError for a file of another version or one that is cut.
    """
    variables = {}
    with path.open("rb") as file:
        version = _number(file, "I")
        if version not in VERSIONS:
            raise ValueError(f"{path} is of version {version}: this reads versions {VERSIONS}")
        _string(file)  # the specification's name
        _number(file, "I")  # and revision
        for _ in range(_number(file, "I")):
            name = _string(file)
            shape = [_number(file, "I") for _ in range(_number(file, "B"))]
            kind = np.dtype(TYPES[_number(file, "B")])
            size = _number(file, "I")
            data = file.read(size)
            if len(data) != size:
                raise ValueError(f"{path} ends within {name}: fetch it again")
            variables[name] = np.frombuffer(data, kind).reshape(shape)
    return variables


def openai_names(variables: Weights) -> Weights:
    """The weights as in openai-whisper's state dict: stacked matrices taken apart, what is no weight left out."""
    weights: Weights = {}
    for name, value in variables.items():
        if not value.ndim:
            continue
        if name in OUTSIDE:
            weights[OUTSIDE[name]] = value
            continue
        parent, ending = name.rsplit("/", 1)
        if parent in OUTSIDE:
            weights[f"{OUTSIDE[parent]}.{ENDINGS[ending]}"] = value
            continue
        side, layer, part = parent.split("/", 2)
        targets = BLOCK[part]
        block = f"{side}.blocks.{layer.removeprefix('layer_')}"
        for target, piece in zip(targets, np.split(value, len(targets)), strict=True):
            if target.endswith("key") and ending == "bias":
                continue  # Whisper's keys have none: CTranslate2 fills up with zeros
            weights[f"{block}.{target}.{ENDINGS[ending]}"] = piece
    return weights


def dimensions(weights: Weights, heads: int) -> dict[str, int]:
    """openai-whisper's ModelDimensions, out of the shapes; `heads` of attention, the same on both sides."""
    width, mels, _ = weights["encoder.conv1.weight"].shape
    blocks = {tuple(name.split(".")[:3]) for name in weights if ".blocks." in name}
    layers = {side: sum(block[0] == side for block in blocks) for side in SIDES}
    return {
        "n_mels": mels,
        "n_audio_ctx": len(weights["encoder.positional_embedding"]),
        "n_audio_state": width,
        "n_audio_head": heads,
        "n_audio_layer": layers["encoder"],
        "n_vocab": len(weights["decoder.token_embedding.weight"]),
        "n_text_ctx": len(weights["decoder.positional_embedding"]),
        "n_text_state": width,
        "n_text_head": heads,
        "n_text_layer": layers["decoder"],
    }


def _number(file: BinaryIO, code: str) -> int:
    data = file.read(struct.calcsize(code))
    if len(data) != struct.calcsize(code):
        raise ValueError("the file is cut: fetch it again")
    value: int = struct.unpack(f"<{code}", data)[0]
    return value


def _string(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()
