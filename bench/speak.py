"""Speak labelled sentences with synthetic voices and write down what our speech recognition hears.

    PYTHONPATH=services/sentiment python -m bench.speak --data DIR        # 2 s a sentence; 10 min for 300

For each language, a file `<lang>.<split>.csv` of text, label, lang, source, transcript, wer in --out. Rows come evenly
from the sources that have a test file: sentences of 3 to 25 words without what cannot be said, such as emoji and links.
Sentences that the file already has are not spoken again. The voices are the demo's, and need what demo/make_voices.py
needs. Not done here: judging the classifier on the transcripts, see training/evaluate.py.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import pandas as pd
import soxr
from rich.progress import track
from training.data import TESTS, key, read
from training.options import options

from demo.make_voices import PAUSE, SPEAKERS, normalise
from voxmood_asr.audio import FULL_SCALE, RATE, Clip
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings as AsrSettings

COLUMNS = ["text", "label", "lang", "source", "transcript", "wer"]
UNSPEAKABLE = re.compile(r"[^\w\s.,!?;:…'’\"()-]|\bhttp\b|_")


@dataclass(frozen=True)
class Settings:
    """What is spoken, and where the transcripts go."""

    data: Path
    out: Path = Path("runs/spoken")
    split: str = "dev"
    rows: int = 150  # of each language
    shortest: int = 3  # words
    longest: int = 25
    seed: int = 1


def sentences(settings: Settings, lang: str) -> pd.DataFrame:
    """Rows that can be spoken, in turn from every source of the language."""
    parts = []
    for source in TESTS:
        rows = read(settings.data, source, settings.split)
        words = rows.text.map(lambda text: len(text.split()))
        fits = words.between(settings.shortest, settings.longest) & ~rows.text.str.contains(UNSPEAKABLE)
        rows = rows[fits & (rows.lang == lang)]
        rows = rows.sample(frac=1, random_state=settings.seed)
        parts.append(rows.assign(turn=range(len(rows))))
    return pd.concat(parts).sort_values("turn", kind="stable").head(settings.rows)


def hear(engine: WhisperEngine, text: str, lang: str) -> str:
    """Say a text, recognise it as a voice message of unknown language."""
    samples, rate = SPEAKERS[lang](text)
    if not samples.any():
        return ""
    sound = soxr.resample(np.pad(normalise(samples), int(PAUSE * rate)), rate, RATE)
    return engine.transcribe(Clip((sound * FULL_SCALE).astype(np.int16), truncated=False), Request()).text


def main() -> None:
    """Speak, recognise, append: what is written stays, should the command be stopped."""
    settings = options(Settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    engine = WhisperEngine(AsrSettings())
    engine.load()
    for lang in SPEAKERS:
        path = settings.out / f"{lang}.{settings.split}.csv"
        known = set(pd.read_csv(path, dtype=str, keep_default_na=False).text) if path.exists() else set()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not path.stat().st_size:
                writer.writerow(COLUMNS)
            rows = sentences(settings, lang)
            rows = rows[~rows.text.isin(known)]
            for text, label, source in track(
                list(zip(rows.text, rows.label, rows.source, strict=True)), description=lang
            ):
                heard = hear(engine, text, lang)
                wer = jiwer.wer(key(text), key(heard)) if heard else 1.0
                writer.writerow([text, label, lang, source, heard, f"{wer:.3f}"])
                file.flush()


if __name__ == "__main__":
    main()
