"""How much silence a short window needs behind the speech: word errors and time for several margins.

    PYTHONPATH=services/sentiment python -m bench.window      # 10 min for the 147 clips of bench.clips

Every clip of at most --longest seconds is recognised with every margin, as the service does it, language detection
included; `30` is the window that Whisper was trained on. The table is the one of docs/decisions/0007.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import jiwer
from rich.box import MARKDOWN
from rich.console import Console
from rich.progress import track
from rich.table import Table
from training.options import options
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from bench import manifest
from bench.manifest import Clip
from voxmood_asr import audio, short_window
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings as AsrSettings

NORMALISERS = {"en": EnglishTextNormalizer(), "ru": BasicTextNormalizer()}


@dataclass(frozen=True)
class Settings:
    """What is compared, on what."""

    clips: Path = Path("runs/bench/clips")
    seconds: list[float] = field(default_factory=lambda: [30.0, 8.0, 6.0, 4.0, 2.0, 1.0, 0.5, 0.0])  # of silence
    longest: float = 15.0  # seconds of a clip
    threads: int = 1  # as the service has on a small machine


@dataclass
class Row:
    """What one margin gave."""

    times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    again: int = 0  # clips that the guard had decoded on the full window


def hear(engine: WhisperEngine, clip: Clip, sound: audio.Clip, row: Row) -> None:
    """Recognise a clip and note how it went."""
    began = time.perf_counter()
    transcript = engine.transcribe(sound, Request())
    row.times.append(time.perf_counter() - began)
    normalise = NORMALISERS[clip.lang]
    compared = jiwer.process_words(normalise(clip.reference), normalise(transcript.text))
    row.errors[clip.lang] += compared.substitutions + compared.deletions + compared.insertions
    row.words[clip.lang] += compared.hits + compared.substitutions + compared.deletions
    row.again += transcript.repeats


def main() -> None:
    """Recognise everything, print the table."""
    settings = options(Settings)
    engine = WhisperEngine(AsrSettings(asr_threads=settings.threads))
    engine.load()
    chosen = [clip for clip in manifest.read(settings.clips) if clip.reference and clip.seconds <= settings.longest]
    rows = {seconds: Row() for seconds in settings.seconds}
    for clip in track(chosen, description="clips"):
        sound = audio.decode((settings.clips / clip.file).read_bytes(), settings.longest)
        for seconds, row in rows.items():
            short_window.MARGIN = int(seconds * short_window.FRAMES)
            hear(engine, clip, sound, row)
    table = Table("silence", *(f"WER {lang}" for lang in NORMALISERS), "words wrong", "s a clip", "again", box=MARKDOWN)
    for seconds, row in rows.items():
        rates = [f"{row.errors[lang] / max(1, row.words[lang]):.1%}" for lang in NORMALISERS]
        wrong = f"{row.errors.total()} of {row.words.total()}"
        table.add_row(f"{seconds:g} s", *rates, wrong, f"{median(row.times):.3f}", str(row.again))
    Console().print(table)


if __name__ == "__main__":
    main()
