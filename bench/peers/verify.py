"""Whether the rebuilt weights are the same: the encoders on noise, and what every engine hears in a demo voice.

whisper.cpp does not hand out what its encoder says; a wrong weight would make its words wrong.
"""

from pathlib import Path

import ctranslate2
import numpy as np
import torch
import whisper
from numpy.typing import NDArray
from transformers import WhisperForConditionalGeneration

from bench.peers.engines import CHECKPOINT, ENGINES, FOLDER, Settings
from bench.peers.sound import decode

ALIKE = 0.999  # cosine
SEED = 0
MEL = (1, 80, 3000)  # shape of 30 s
VOICE = Path("demo/voices/en-neutral-train.ogg")
WORDS = ("train", "Saturday", "main entrance", "ticket office")


def check(settings: Settings) -> None:
    """Print how alike the engines are. Raises ValueError if one is not."""
    for name, alike in encoders(settings).items():
        print(f"{name}: cosine {alike:.6f} to CTranslate2's encoder, on noise")
        if alike < ALIKE:
            raise ValueError(f"{name} has other weights than CTranslate2: remove {settings.weights} and rebuild")
    samples = decode(VOICE.read_bytes())
    for name, load in ENGINES.items():
        text, _ = load(settings)(samples, None)
        print(f"{name} hears: {text}")
        if not all(word in text for word in WORDS):
            raise ValueError(f"{name} does not hear the demo voice: remove {settings.weights} and rebuild")


def encoders(settings: Settings) -> dict[str, float]:
    """The cosine of each encoder's output to that of CTranslate2's, all in 32 bit."""
    reference = ctranslate2.models.Whisper(str(settings.model), compute_type="float32")
    mel = np.random.default_rng(SEED).normal(0, 1, MEL).astype(np.float32)
    said = np.asarray(reference.encode(ctranslate2.StorageView.from_array(mel), to_cpu=True))
    with torch.inference_mode():
        theirs = whisper.load_model(str(settings.weights / CHECKPOINT), device="cpu")
        openai = theirs.encoder(torch.from_numpy(mel)).numpy()
        model = WhisperForConditionalGeneration.from_pretrained(settings.weights / FOLDER, dtype=torch.float32)
        hugging_face = model.get_encoder()(torch.from_numpy(mel)).last_hidden_state.numpy()
    return {"openai-whisper": cosine(said, openai), "transformers": cosine(said, hugging_face)}


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of two outputs, taken as vectors."""
    a, b = one.ravel().astype(np.float64), other.ravel().astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
