"""Figures out of measurements: word error rates, medians for each length of clip, ratios to the first engine.

A ratio of seconds is the median of the ratios clip by clip, which holds against a machine that is slower at times.
Not done here: measuring, and any printing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from bench.manifest import NOISE, Clip

LENGTHS = (3, 6, 12, 30, 60)  # seconds
MESSAGE = 6  # the length that clients send when there are several
NEAR = 1.25  # a clip is of a length if it lasts no more than this factor longer or shorter
SHORT = (LENGTHS[0] / NEAR, LENGTHS[2] * NEAR)  # seconds: what "3 to 12 s" takes in
DIGITS = 4  # places of a figure


@dataclass(frozen=True)
class Engine:
    """A row of the table: its title, the service that answers, and whether it is told the language."""

    title: str
    server: str
    told: bool = False


ENGINES = {
    "voxmood": Engine("Voxmood", "voxmood"),
    "faster-whisper-default": Engine("faster-whisper, defaults", "faster-whisper-default"),
    "faster-whisper-beam1-vad": Engine("faster-whisper, beam 1, VAD", "faster-whisper-beam1-vad"),
    "openai-whisper": Engine("openai-whisper", "openai-whisper"),
    "whisper-cpp": Engine("whisper.cpp", "whisper-cpp"),
    "transformers": Engine("transformers", "transformers"),
    "voxmood-told": Engine("Voxmood, language given", "voxmood", told=True),
    "faster-whisper-beam1-vad-told": Engine(
        "faster-whisper, beam 1, VAD, language given", "faster-whisper-beam1-vad", told=True
    ),
}

Line = Mapping[str, Any]
Times = dict[tuple[str, int], dict[str, float]]  # by clip and round: wall and CPU seconds


def length_of(seconds: float) -> int | None:
    """Which of LENGTHS a clip is near, if any."""
    return next((length for length in LENGTHS if length / NEAR <= seconds <= length * NEAR), None)


def compute(engines: Sequence[str], clips: Sequence[Clip], lines: Iterable[Line]) -> dict[str, Any]:
    """Everything the table and the plot show, for these engines and clips, the first engine being the measure."""
    lines = list(lines)
    times = {name: _times(name, clips, lines) for name in engines}
    rows = {name: _row(name, clips, lines, times[name], times[engines[0]]) for name in engines}
    first = rows[engines[0]]
    for row in rows.values():
        row["ratio"]["peak_mb"] = _quotient(row["peak_mb"], first["peak_mb"])
        row["ratio"]["per_minute"] = {
            clients: _quotient(rate, first["per_minute"].get(clients)) for clients, rate in row["per_minute"].items()
        }
    said = [clip for clip in clips if clip.lang != NOISE]
    return {
        "clips": len(clips),
        "words": sum(len(clip.reference.split()) for clip in said),
        "clips_of_length": {str(length): len(_of_length(clips, length)) for length in LENGTHS},
        "short_clips": len(_short(said)),
        "short_words": sum(len(clip.reference.split()) for clip in _short(said)),
        "engines": rows,
    }


def _row(name: str, clips: Sequence[Clip], lines: list[Line], own: Times, first: Times) -> dict[str, Any]:
    heard = {line["clip"]: line["text"] for line in lines if line["kind"] == "clip" and line["engine"] == name}
    loads: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if line["kind"] == "load" and line["engine"] == name:
            loads[str(line["clients"])].append(line["per_minute"])
    same = {other for other, engine in ENGINES.items() if engine.server == ENGINES[name].server}
    peaks = [line["peak_mb"] for line in lines if line["engine"] in same]
    row: dict[str, Any] = {
        "title": ENGINES[name].title,
        "wer": word_error_rates(clips, heard),
        "wer_short": word_error_rates(_short(clips), heard),
        "invented_words_in_noise": sum(len(heard.get(c.file, "").split()) for c in clips if c.lang == NOISE),
        "peak_mb": max(peaks, default=None),
        "per_minute": {clients: median(rates) for clients, rates in sorted(loads.items())},
    }
    ratio: dict[str, Any] = {}
    for what in ("wall", "cpu"):
        row[what] = {str(length): _middle(own, what, _of_length(clips, length)) for length in LENGTHS}
        ratio[what] = {str(length): _paired(own, first, what, _of_length(clips, length)) for length in LENGTHS}
        ratio[f"{what}_short"] = _paired(own, first, what, _short(clips))
    return {**row, "ratio": ratio}


def word_error_rates(clips: Sequence[Clip], heard: Mapping[str, str]) -> dict[str, float]:
    """WER of each language over the clips that were heard, as bench/wer.py takes it."""
    texts: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for clip in clips:
        if clip.lang != NOISE and clip.file in heard:
            said, understood = texts[clip.lang]
            said.append(_normaliser(clip.lang)(clip.reference))
            understood.append(_normaliser(clip.lang)(heard[clip.file]))
    return {lang: round(jiwer.wer(*pair), DIGITS) for lang, pair in sorted(texts.items())}


@cache
def _normaliser(lang: str) -> Any:
    return EnglishTextNormalizer() if lang == "en" else BasicTextNormalizer()


def _times(name: str, clips: Sequence[Clip], lines: list[Line]) -> Times:
    files = {clip.file for clip in clips}
    return {
        (line["clip"], line["round"]): {"wall": line["wall"], "cpu": line["cpu"]}
        for line in lines
        if line["kind"] == "clip" and line["engine"] == name and line["clip"] in files
    }


def _of_length(clips: Sequence[Clip], length: int) -> list[Clip]:
    return [clip for clip in clips if length_of(clip.seconds) == length and clip.lang != NOISE]


def _short(clips: Sequence[Clip]) -> list[Clip]:
    return [clip for clip in clips if SHORT[0] <= clip.seconds <= SHORT[1] and clip.lang != NOISE]


def _middle(own: Times, what: str, clips: Sequence[Clip]) -> float | None:
    """Median over clips and rounds of an engine's seconds."""
    files = {clip.file for clip in clips}
    return _median(seconds[what] for (file, _), seconds in own.items() if file in files)


def _paired(own: Times, first: Times, what: str, clips: Sequence[Clip]) -> float | None:
    """Median over clips and rounds of one engine's seconds by another's."""
    files = {clip.file for clip in clips}
    both = [key for key in own if key in first and key[0] in files]
    return _median(own[key][what] / first[key][what] for key in both if first[key][what])


def _median(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return round(median(numbers), DIGITS) if numbers else None


def _quotient(one: float | None, other: float | None) -> float | None:
    return round(one / other, DIGITS) if one and other else None
