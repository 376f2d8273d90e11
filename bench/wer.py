"""Word error rate of our recognition on a folder of real voices.

    python -m bench.wer --voices DIR        # 40 s for 138 s of sound; what `make eval VOICES=DIR` does

DIR holds audio files and a manifest.csv with the columns file, lang, reference. WER as in Radford et al. 2022: both
texts through Whisper's normaliser (the English one for English), all words of a language together. Clips without a
reference are left out, those of the language `zxx` are noise: every word in them counts as invented. The figures go to
bench/wer.json.
"""

import argparse
import csv
import json
import time
from collections import defaultdict
from pathlib import Path

import jiwer
from rich.console import Console
from rich.table import Table
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from voxmood_asr import audio
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings

NOISE = "zxx"
RESULT = Path(__file__).with_suffix(".json")


def main() -> None:
    """Recognise every clip, print a row for each, write the figures."""
    parser = argparse.ArgumentParser(description="Word error rate on real voices.")
    parser.add_argument("--voices", type=Path, required=True, help="folder with a manifest.csv")
    folder: Path = parser.parse_args().voices
    settings = Settings()
    engine = WhisperEngine(settings)
    engine.load()
    english, basic = EnglishTextNormalizer(), BasicTextNormalizer()
    table = Table("file", "lang", "seconds", "WER", "heard")
    said: dict[str, list[str]] = defaultdict(list)
    heard: dict[str, list[str]] = defaultdict(list)
    invented, sound_seconds, work_seconds = 0, 0.0, 0.0
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    for row in rows:
        language = row["lang"]
        if not row["reference"] and language != NOISE:
            continue
        began = time.perf_counter()
        clip = audio.decode((folder / row["file"]).read_bytes(), settings.max_seconds)
        transcript = engine.transcribe(clip, Request())
        work_seconds += time.perf_counter() - began
        sound_seconds += clip.seconds
        if language == NOISE:
            invented += len(transcript.text.split())
            rate = "-"
        else:
            normalise = english if language == "en" else basic
            said[language].append(normalise(row["reference"]))
            heard[language].append(normalise(transcript.text))
            rate = f"{jiwer.wer(said[language][-1], heard[language][-1]):.1%}"
        table.add_row(row["file"], language, f"{clip.seconds:.1f}", rate, transcript.text)
    figures = {
        "model": settings.model_id(),
        "wer": {language: round(jiwer.wer(said[language], heard[language]), 4) for language in sorted(said)},
        "words": {language: sum(len(text.split()) for text in said[language]) for language in sorted(said)},
        "invented_words_in_noise": invented,
        "rtf": round(work_seconds / sound_seconds, 3),
    }
    Console().print(table)
    Console().print_json(data=figures)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
