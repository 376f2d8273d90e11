"""The least time that a voice message of 6 s could take on this machine, and what it does take.

    python -m bench.floor      # 20 s on two free cores

The encoder multiplies matrices: its floor is its operations over those that a large int8 product of matrices reaches
here. The decoder reads all of its weights for every token and does little with them: its floor is their bytes over
what memory gives when a gigabyte is summed. Everything else (decoding Opus, finding speech, the spectrogram) counts
as nothing. Written to bench/floor.json.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from training.options import options

from bench import asr_machine
from tools.stack import ROOT
from voxmood_asr import audio
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_asr.short_window import FRAMES, MARGIN

RESULT = Path(__file__).with_suffix(".json")
WIDTH, LAYERS, PIECES = 512, 6, 51_865  # of Whisper base
LAYER = 12 * WIDTH**2  # weights of a layer of the encoder: 4 matrices of attention, 2 of 4 times the width
CROSS = 2 * WIDTH**2  # weights that a layer of the decoder has for the sound and reads for each token


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    voice: Path = ROOT / "demo/voices/en-negative-birthday.ogg"
    threads: int = 1  # as the service has on a small machine
    rounds: int = 20


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of a piece of work."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def main() -> None:
    """Measure the machine and the service's code, print, write."""
    settings = options(Settings)
    torch.set_num_threads(settings.threads)
    clip = audio.decode(settings.voice.read_bytes(), 60)
    positions = int((clip.seconds * FRAMES + MARGIN) / 2)
    left = torch.randint(-127, 127, (positions, 4 * WIDTH), dtype=torch.int8)
    right = torch.randint(-127, 127, (4 * WIDTH, 4 * WIDTH), dtype=torch.int8)
    rate = 2 * left.numel() * right.shape[1] / seconds(lambda: torch._int_mm(left, right), settings.rounds)
    gigabyte = torch.ones(250_000_000)
    bandwidth = 4 * gigabyte.numel() / seconds(gigabyte.sum, settings.rounds)

    engine = WhisperEngine(AsrSettings(asr_threads=settings.threads))
    engine.load()
    transcript = engine.transcribe(clip, Request())
    tokens = sum(len(segment.tokens) for segment in transcript.segments)
    operations = LAYERS * (2 * LAYER * positions + 4 * positions**2 * WIDTH)
    read = tokens * (LAYERS * (LAYER + CROSS) + PIECES * WIDTH)
    figures = {
        "clip_s": round(clip.seconds, 2),
        "tokens": tokens,
        "encoder_gop": round(operations / 1e9, 1),
        "decoder_gb": round(read / 1e9, 2),
        "machine_gops": round(rate / 1e9),
        "machine_gb_per_s": round(bandwidth / 1e9, 1),
        "encoder_floor_s": round(operations / rate, 3),
        "decoder_floor_s": round(read / bandwidth, 3),
        "measured_s": round(seconds(lambda: engine.transcribe(clip, Request()), settings.rounds), 3),
        "machine": asr_machine.machine(),
    }
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
