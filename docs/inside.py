"""What the models make of a voice message on the way to its mood, for the pictures of the documentation.

The services' own code and models are asked; the ONNX graph is told to hand out what it keeps to itself. Not done
here: drawing, see pictures.py.
"""

import csv
from dataclasses import dataclass
from functools import cache
from threading import Event
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from tools.stack import ROOT
from voxmood.models import AsrSegment
from voxmood.sentences import Span, split, split_segments
from voxmood_asr import audio, speech
from voxmood_asr.audio import RATE, Samples
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_asr.short_window import Mel
from voxmood_asr.transcript import Transcript
from voxmood_sentiment.explain import explain
from voxmood_sentiment.onnx_model import OnnxClassifier
from voxmood_sentiment.scoring import Reading, Scorer
from voxmood_sentiment.settings import SHIPPED

VOICES = ROOT / "demo/voices"
VOICE = "en-negative-birthday"  # that the pictures follow
LAYER = "/model/bert/encoder/layer."
CLS = "/model/bert/pooler/Gather_output_0"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """A recording: samples (n,) in [-1, 1], where somebody speaks (seconds), log-mel spectrogram (80, frames), text."""

    samples: Samples
    stretches: list[tuple[float, float]]
    mel: Mel
    transcript: Transcript
    sentences: list[Span]


@dataclass(frozen=True)
class Understood:
    """A sentence: its pieces, how much the CLS token attends to each in each layer (layers, pieces), the mean over
    the heads; the vector of CLS after the last layer (384,), and what the model says of it."""

    pieces: list[str]
    attention: Floats
    vector: Floats
    reading: Reading
    words: list[tuple[str, float]]


@cache
def ears() -> WhisperEngine:
    """Speech recognition as the service runs it."""
    engine = WhisperEngine(AsrSettings())
    engine.load()
    return engine


@cache
def hear() -> Heard:
    """Recognise the voice."""
    clip = audio.decode((VOICES / f"{VOICE}.ogg").read_bytes(), 60)
    (piece,) = speech.pieces(clip.pcm)
    transcript = ears().transcribe(clip, Request(words=True))
    segments = [AsrSegment(text=each.text, start=each.start, end=each.end) for each in transcript.segments]
    return Heard(
        samples=(clip.pcm / audio.FULL_SCALE).astype(np.float32),
        stretches=[(each["start"] / RATE, each["end"] / RATE) for each in piece.stretches],
        mel=ears().model.feature_extractor(piece.samples)[:, :-1],
        transcript=transcript,
        sentences=split_segments(segments, transcript.language),
    )


def sentences() -> list[tuple[str, str]]:
    """Every sentence of the demo voices, as they were written, with the name of the voice."""
    with (VOICES / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        rows = [*csv.DictReader(manifest)]
    return [(row["file"].removesuffix(".ogg"), each.text) for row in rows for each in split(row["text"], row["lang"])]


@cache
def scorer() -> Scorer:
    """The classifier as the service runs it."""
    reader = Scorer(lambda: OnnxClassifier(SHIPPED))
    reader.load()
    return reader


@cache
def opened() -> onnxruntime.InferenceSession:
    """The same model, handing out the attention of each layer and the vector of CLS."""
    model = onnx.load(str(SHIPPED / "model.onnx"))
    inner = [node.output[0] for node in model.graph.node if node.op_type == "Softmax" and LAYER in node.name]
    for name in [*inner, CLS]:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@cache
def understand(text: str) -> Understood:
    """Read a sentence."""
    encoded = scorer().classifier.tokenizer.encode(text)
    ids = np.array([encoded.ids])
    session = opened()
    names = [put.name for put in session.get_outputs()]
    known: dict[str, Any] = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    found = dict(zip(names, session.run(names, known), strict=True))
    layers = [value[0].mean(axis=0)[0] for name, value in found.items() if name.startswith(LAYER)]
    (reading,) = scorer().read([text], Event())
    (weights,) = explain(scorer(), [text], [reading], 10_000, Event())
    words = [(text[each.start : each.end], each.weight) for each in weights or ()]
    return Understood(encoded.tokens, np.stack(layers), found[CLS][0], reading, words)
