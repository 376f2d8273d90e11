"""Segments of speech to sentences with times.

A recogniser cuts where the speaker breathes, a reader at sentence ends; moods belong to sentences. Not done here:
deciding the mood.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from sentencex import segment as split_text

from voxmood.models import AsrSegment

CLOSERS = ("''", "``", *"'`\"»’‚”‛“«‟›》」)")  # what ends a quotation or a parenthesis for sentencex
FOLLOWING = (". . .", *(f"a{closer} a" for closer in CLOSERS))  # what may change how text before it is split


@dataclass(frozen=True)
class Span:
    """A sentence and its times, None for written text."""

    text: str
    start: float | None = None
    end: float | None = None


def clock(seconds: float) -> str:
    """83.4 -> 1:23."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def guess_language(text: str) -> str | None:
    """Russian if most letters are Cyrillic, else English; None without letters. Enough for two served languages."""
    letters = [unicodedata.name(char, "") for char in text if char.isalpha()]
    if not letters:
        return None
    return "ru" if sum(name.startswith("CYRILLIC") for name in letters) * 2 > len(letters) else "en"


def split(text: str, language: str | None) -> list[Span]:
    """The sentences of a text (rules of Wikimedia's sentencex, abbreviations included)."""
    parts = (part.strip() for part in split_text(language or guess_language(text) or "en", text))
    return [Span(part) for part in parts if part]


def split_segments(segments: Sequence[AsrSegment], language: str | None) -> list[Span]:
    """The sentences of a recording.

    A sentence may cover several segments or a part of one: within a segment, time is taken to pass evenly by
    character.
    """
    spoken = [segment for segment in segments if segment.text.strip()]
    text, starts = "", []
    for segment in spoken:
        starts.append(len(text))
        text += segment.text.strip() + " "

    def time_at(place: int) -> float:
        index = bisect_right(starts, place) - 1
        segment = spoken[index]
        share = (place - starts[index]) / max(1, len(segment.text.strip()))
        return round(segment.start + min(1.0, share) * (segment.end - segment.start), 2)

    spans, place = [], 0
    for sentence in split(text, language):
        begin = text.index(sentence.text, place)
        place = begin + len(sentence.text)
        spans.append(Span(sentence.text, time_at(begin), time_at(place)))
    return spans


def finished(segments: Sequence[AsrSegment], language: str | None) -> list[Span]:
    """The sentences of a recording that goes on which nothing that follows can change.

    That is all but the last one, and but those behind a quotation or parenthesis that may still be closed, since what
    stands in one is not split; behind a straight quotation mark ("), another may always change the reading.
    """
    spans = split_segments(segments, language)
    language = language or guess_language(" ".join(segment.text for segment in segments))
    sure = len(spans) - 1
    for text in FOLLOWING:
        longer = split_segments([*segments, AsrSegment(text=text, start=0, end=0)], language)
        same = (a.text == b.text for a, b in zip(spans, longer, strict=False))
        sure = min(sure, sum(takewhile(bool, same)))
    return spans[: max(0, sure)]
