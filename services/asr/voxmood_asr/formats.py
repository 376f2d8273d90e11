"""A transcript in the five forms of the OpenAI contract: json, verbose_json, text, srt, vtt."""

from enum import StrEnum
from typing import Any

from faster_whisper.utils import format_timestamp

from voxmood_asr.transcript import Transcript


class Format(StrEnum):
    """`response_format` of a request."""

    JSON = "json"
    VERBOSE_JSON = "verbose_json"
    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"


def verbose(transcript: Transcript, model: str, *, segments: bool, words: bool) -> dict[str, Any]:
    """OpenAI's verbose_json, and beside it `model`, `language_probability`, `no_speech` and `warnings`."""
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.duration, 2),
        "text": transcript.text,
        "model": model,
        "language_probability": transcript.language_probability,
        "no_speech": transcript.no_speech,
        "warnings": transcript.warnings,
    }
    if segments:
        body["segments"] = [
            {
                "id": index,
                "seek": 0,
                "start": segment.start,
                "end": segment.end,
                "text": segment.text,
                "tokens": segment.tokens,
                "temperature": segment.temperature,
                "avg_logprob": segment.avg_logprob,
                "compression_ratio": segment.compression_ratio,
                "no_speech_prob": segment.no_speech_prob,
            }
            for index, segment in enumerate(transcript.segments)
        ]
    if words:
        body["words"] = [
            {"word": word.text, "start": word.start, "end": word.end}
            for segment in transcript.segments
            for word in segment.words
        ]
    return body


def srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    return "".join(f"{index}\n{cue}\n" for index, cue in enumerate(_cues(transcript, ","), 1))


def vtt(transcript: Transcript) -> str:
    """WebVTT (W3C): a header, a point before the milliseconds."""
    return "WEBVTT\n\n" + "".join(f"{cue}\n" for cue in _cues(transcript, "."))


def _cues(transcript: Transcript, mark: str) -> list[str]:
    return [
        f"{format_timestamp(segment.start, True, mark)} --> {format_timestamp(segment.end, True, mark)}\n"
        f"{segment.text.strip().replace('-->', '->')}\n"
        for segment in transcript.segments
    ]
