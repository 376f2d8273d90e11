"""A transcript in the five forms of the OpenAI contract (json, verbose_json, text, srt, vtt), and as its stream."""

from collections.abc import AsyncIterator, Callable
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


async def stream(
    transcripts: AsyncIterator[Transcript], last: Callable[[Transcript], dict[str, Any]]
) -> AsyncIterator[dict[str, Any]]:
    """OpenAI's stream events of a transcript that grows; `last` makes the body whose fields the last event has.

    Each delta says beside its text how many `seconds` of the `duration` have been recognised, and the `language`.
    """
    before = Transcript([], None, None, 0, [])
    async for transcript in transcripts:
        for index in range(len(before.segments), len(transcript.segments)):
            segment = transcript.segments[index]
            yield {
                "type": "transcript.text.segment",
                "id": str(index),
                "start": segment.start,
                "end": segment.end,
                "text": segment.text,
            }
        yield {
            "type": "transcript.text.delta",
            "delta": transcript.text.removeprefix(before.text),
            "seconds": round(transcript.reached, 2),
            "duration": round(transcript.duration, 2),
            "language": transcript.language,
        }
        before = transcript
    yield {"type": "transcript.text.done", **last(before)}


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
