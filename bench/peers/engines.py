"""The peers: how each is loaded, and how it recognises samples with what its own documentation calls for.

A recogniser takes mono float32 samples at 16 kHz and a language (ISO 639-1) or None, and returns the text and the
language it took. Not done here: HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.sound import RATE

Samples = NDArray[np.float32]
Recogniser = Callable[[Samples, str | None], tuple[str, str | None]]
CHECKPOINT, GGML, FOLDER = "whisper.pt", "ggml.bin", "transformers"  # in the folder of weights
WINDOW = 30 * RATE  # samples that transformers takes without being asked for time stamps


@dataclass(frozen=True)
class Settings:
    """Where the weights are, and what an engine may use."""

    model: Path = Path("models/whisper-base")
    weights: Path = Path("runs/bench/weights")
    threads: int = 2
    compute_type: str = "int8"  # of CTranslate2, as ours


def faster_whisper_default(settings: Settings) -> Recogniser:
    """faster-whisper with its defaults: beam 5, no voice detector."""
    return _faster_whisper(settings, {})


def faster_whisper_beam1_vad(settings: Settings) -> Recogniser:
    """faster-whisper, greedy, behind its voice detector."""
    return _faster_whisper(settings, {"beam_size": 1, "vad_filter": True})


def openai_whisper(settings: Settings) -> Recogniser:
    """openai-whisper with its defaults, in 32 bit."""
    import torch
    import whisper

    torch.set_num_threads(settings.threads)
    model = whisper.load_model(str(settings.weights / CHECKPOINT), device="cpu")

    def recognise(samples: Samples, language: str | None) -> tuple[str, str | None]:
        result = model.transcribe(samples, language=language, fp16=False)
        return result["text"].strip(), result["language"]

    return one_at_a_time(recognise)


def whisper_cpp(settings: Settings) -> Recogniser:
    """whisper.cpp with its defaults, through pywhispercpp."""
    from pywhispercpp.model import Model

    model = Model(
        str(settings.weights / GGML),
        n_threads=settings.threads,
        print_progress=False,
        redirect_whispercpp_logs_to=None,
    )

    def recognise(samples: Samples, language: str | None) -> tuple[str, str | None]:
        segments = model.transcribe(samples, language=language or "")
        return " ".join(segment.text for segment in segments).strip(), language

    return one_at_a_time(recognise)


def transformers(settings: Settings) -> Recogniser:
    """transformers' pipeline in 32 bit; beyond 30 s with time stamps, which it demands there."""
    import torch
    from transformers import pipeline

    torch.set_num_threads(settings.threads)
    pipe: Any = pipeline(
        "automatic-speech-recognition",
        model=str(settings.weights / FOLDER),
        device="cpu",
        dtype=torch.float32,
    )

    def recognise(samples: Samples, language: str | None) -> tuple[str, str | None]:
        wish = {"language": language} if language else {}
        result = pipe(
            {"raw": samples, "sampling_rate": RATE},
            return_timestamps=len(samples) > WINDOW,
            generate_kwargs=wish,
        )
        return result["text"].strip(), language

    return one_at_a_time(recognise)


def one_at_a_time(recogniser: Recogniser) -> Recogniser:
    """The same, for an engine that keeps state while it recognises: a second caller waits."""
    lock = Lock()

    def recognise(samples: Samples, language: str | None) -> tuple[str, str | None]:
        with lock:
            return recogniser(samples, language)

    return recognise


def _faster_whisper(settings: Settings, options: dict[str, Any]) -> Recogniser:
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(settings.model), device="cpu", compute_type=settings.compute_type, cpu_threads=settings.threads
    )

    def recognise(samples: Samples, language: str | None) -> tuple[str, str | None]:
        segments, info = model.transcribe(samples, language=language, **options)
        return "".join(segment.text for segment in segments).strip(), info.language

    return recognise


ENGINES: dict[str, Callable[[Settings], Recogniser]] = {
    "faster-whisper-default": faster_whisper_default,
    "faster-whisper-beam1-vad": faster_whisper_beam1_vad,
    "openai-whisper": openai_whisper,
    "whisper-cpp": whisper_cpp,
    "transformers": transformers,
}
