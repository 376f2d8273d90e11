"""Make the clips of the benchmark: the sentences of texts.csv, spoken by the demo's voices, and real ones beside them.

    PYTHONPATH=services/sentiment python -m bench.clips --voices DIR        # `make bench` does it

Into --out go Opus files as Telegram makes them and a manifest.csv (file, lang, seconds, reference). DIR, which may be
left out, holds audio files and a manifest.csv with the columns file, lang, reference, as for bench/wer.py. Clips that
are there are not made again. The voices need what demo/make_voices.py needs.
"""

import csv
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track
from training.options import options

from bench import manifest
from bench.manifest import NOISE, Clip
from demo.make_voices import PAUSE, SPEAKERS, encode, normalise
from voxmood_asr import audio

TEXTS = Path(__file__).with_name("texts.csv")


@dataclass(frozen=True)
class Settings:
    """Where the clips go, and where real ones are."""

    voices: Path | None = None
    out: Path = Path("runs/bench/clips")


def spoken(folder: Path) -> Iterator[Clip]:
    """Speak every text whose clip is not there yet; a clip is called after its text."""
    with TEXTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in track(rows, description="speaking"):
        lang, text = row["lang"], row["text"]
        path = folder / f"{lang}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.ogg"
        if not path.exists():
            samples, rate = SPEAKERS[lang](text)
            part = path.with_suffix(".part")
            encode(np.pad(normalise(samples), int(PAUSE * rate)), rate, part)
            part.rename(path)
        yield Clip(path.name, lang, seconds(path), text)


def real(voices: Path, folder: Path) -> Iterator[Clip]:
    """Copy the real clips that have a reference or hold noise."""
    with (voices / manifest.NAME).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["reference"] or row["lang"] == NOISE:
                path = folder / f"real-{Path(row['file']).name}"
                shutil.copyfile(voices / row["file"], path)
                yield Clip(path.name, row["lang"], seconds(path), row["reference"])


def seconds(path: Path) -> float:
    """How long an audio file lasts, decoded, to the hundredth."""
    return round(audio.decode(path.read_bytes(), float("inf")).seconds, 2)


def main() -> None:
    """Speak, copy, list."""
    settings = options(Settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    clips = list(spoken(settings.out))
    if settings.voices:
        clips += real(settings.voices, settings.out)
    manifest.write(settings.out, clips)
    words = sum(len(clip.reference.split()) for clip in clips)
    print(f"{len(clips)} clips, {sum(clip.seconds for clip in clips):.0f} s, {words} words")


if __name__ == "__main__":
    main()
