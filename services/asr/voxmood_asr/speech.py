"""Where somebody speaks: a recording cut into pieces of speech that Whisper takes at once.

The recording is worked through in blocks, so that an hour of it needs little more memory than a minute.
Not done here: decoding files (audio.py), and recognition.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from faster_whisper.vad import SpeechTimestampsMap, VadOptions, get_speech_timestamps

from voxmood_asr.audio import FULL_SCALE, RATE, Pcm, Samples

LONGEST = 14 * RATE  # samples of a piece: longer ones are no more exact, but attention is quadratic, in time and memory
BLOCK = 120 * RATE  # samples searched for speech at once
PEAK = 0.7  # the voice detector loses quiet speech; at this peak it found all of it, and none in noise
SILENCE = 1e-4  # a peak below -80 dB is no voice, and must not be amplified into one
VAD = VadOptions(min_silence_duration_ms=500, max_speech_duration_s=LONGEST / RATE)

Stretch = dict[str, int]  # "start" and "end" in samples


@dataclass(frozen=True)
class Piece:
    """Stretches of speech, the pauses between them left out."""

    samples: Samples
    stretches: list[Stretch]

    def at(self, seconds: float, *, end: bool = False) -> float:
        """Seconds in the recording of a moment of this piece; `end`: of one where something ends."""
        return float(self._times.get_original_time(seconds, is_end=end))

    def after(self, seconds: float) -> "Piece":
        """The rest of the piece."""
        start = int(self.at(seconds) * RATE)
        stretches = [{**it, "start": max(start, it["start"])} for it in self.stretches if it["end"] > start]
        return Piece(self.samples[-_length(stretches) :], stretches)

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE

    @cached_property
    def _times(self) -> SpeechTimestampsMap:
        return SpeechTimestampsMap(self.stretches, RATE)


def pieces(pcm: Pcm) -> Iterator[Piece]:
    """The speech of a recording, in order, brought to one loudness; nothing where nobody speaks.

    Silero VAD (Silero Team 2021, MIT), as shipped inside faster-whisper.
    """
    peak = max(int(pcm.max(initial=0)), -int(pcm.min(initial=0))) / FULL_SCALE
    if peak < SILENCE:
        return
    gain = np.float32(PEAK / peak / FULL_SCALE)
    stretches: list[Stretch] = []
    for stretch in _stretches(pcm, gain):
        if stretches and _length(stretches) + _length([stretch]) > LONGEST:
            yield _piece(pcm, gain, stretches)
            stretches = []
        stretches.append(stretch)
    if stretches:
        yield _piece(pcm, gain, stretches)


def _stretches(pcm: Pcm, gain: np.float32) -> Iterator[Stretch]:
    """Stretches with speech, none longer than LONGEST."""
    start = 0
    while start < len(pcm):
        block = pcm[start : start + BLOCK]
        found = get_speech_timestamps(block * gain, VAD)
        following = start + len(block)
        if found and following < len(pcm) and found[-1]["end"] == len(block):
            following = start + found.pop()["start"]  # it may go on: the next block begins with it
        for stretch in found:
            yield {"start": start + stretch["start"], "end": start + stretch["end"]}
        start = following


def _length(stretches: list[Stretch]) -> int:
    return sum(stretch["end"] - stretch["start"] for stretch in stretches)


def _piece(pcm: Pcm, gain: np.float32, stretches: list[Stretch]) -> Piece:
    speech = np.concatenate([pcm[stretch["start"] : stretch["end"]] for stretch in stretches])
    return Piece(speech * gain, stretches)
