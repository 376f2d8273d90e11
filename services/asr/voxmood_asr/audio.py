"""Bytes to samples: what is in the file, how long it lasts, decoded to 16 kHz mono.

PyAV reads every container and codec that FFmpeg does. Limits are checked on what the container declares, before
decoding, and again while decoding, since containers may lie. Not done here: finding speech, and recognition.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from voxmood_asr.errors import AudioTooLong, NotAudio, UnreadableAudio

RATE = 16_000
FULL_SCALE = 2**15
SIGNATURES = (b"RIFF", b"fLaC", b"ID3", b"ftyp", b"\x1aE\xdf\xa3")  # wav, flac, mp3, mp4 and m4a, webm and mkv

av.logging.set_level(None)  # FFmpeg's messages may quote a file's metadata: names, places

Pcm = NDArray[np.int16]  # (samples,), FULL_SCALE being the loudest
Samples = NDArray[np.float32]  # (samples,), in [-1, 1]


@dataclass(frozen=True)
class Clip:
    """Decoded sound, 16 kHz mono, and whether some of it is missing."""

    pcm: Pcm
    truncated: bool

    @property
    def seconds(self) -> float:
        """Length of what was decoded."""
        return len(self.pcm) / RATE


def probe(data: bytes, max_seconds: float) -> float | None:
    """Seconds that the container declares, or None where it does not say (streams recorded by browsers).

    Decodes nothing. Raises NotAudio, UnreadableAudio or AudioTooLong.
    """
    with _opened(data) as container:
        seconds = _declared(container)
    if seconds is not None and seconds > max_seconds:
        raise AudioTooLong(f"the audio lasts {seconds:.0f} s, and {max_seconds:.0f} s are allowed: send it in parts")
    return seconds


def decode(data: bytes, max_seconds: float) -> Clip:
    """Decode the first audio stream. Damaged packets are left out and make the clip `truncated`.

    Raises NotAudio, UnreadableAudio, or AudioTooLong as soon as more than `max_seconds` have been decoded.
    """
    pcm = bytearray()  # an hour of sound is 115 MB: one buffer, and no copy of it
    with _opened(data) as container:
        declared = _declared(container)
        for resampled in _resampled(_frames(container)):
            pcm += resampled.to_ndarray()[0].tobytes()
            if len(pcm) > max_seconds * RATE * 2:
                raise AudioTooLong(f"the audio lasts more than the {max_seconds:.0f} s allowed: send it in parts")
    if not pcm:
        raise UnreadableAudio("the file holds no sound: record it again")
    seconds = len(pcm) / 2 / RATE
    missing = declared is not None and declared - seconds > max(0.5, 0.05 * declared)
    return Clip(np.frombuffer(pcm, np.int16), truncated=missing or _ogg_is_cut(data) or _wav_is_cut(data))


@contextmanager
def _opened(data: bytes) -> Iterator[InputContainer]:
    """The container with an audio stream, or an error that says why not."""
    if not data:
        raise UnreadableAudio("the file is empty: record it again")
    try:
        with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise NotAudio("the file holds no sound, only pictures or text: send a recording")
            yield container
    except av.error.InvalidDataError as error:
        if any(mark in data[:16] for mark in SIGNATURES) or b"OggS" in data[:65_536]:
            raise UnreadableAudio("a part of the recording is missing: send it again") from error
        raise NotAudio("this is no audio that we know: send ogg, mp3, m4a, wav, flac, webm or mp4") from error
    except av.error.FFmpegError as error:
        raise UnreadableAudio("the recording is damaged and cannot be read: send it again") from error


def _declared(container: InputContainer) -> float | None:
    stream = container.streams.audio[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1_000_000


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    """Every frame that can be decoded."""
    frames = container.decode(audio=0)
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            break
        except av.error.InvalidDataError:
            continue
        frame.pts = None  # gaps and jumps of the time stamps are no reason to stop
        yield frame


def _resampled(frames: Iterable[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """The frames at 16 kHz mono. Rate and channels may change on the way, as in files that were joined."""
    for _, run in groupby(frames, lambda frame: (frame.format.name, frame.layout.name, frame.sample_rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in chain(run, [None]):  # None: what the resampler holds back
            yield from resampler.resample(frame)


def _ogg_is_cut(data: bytes) -> bool:
    """Whether an Ogg file ends before its stream does: its last page is incomplete or not the last (RFC 3533)."""
    if not data.startswith(b"OggS"):
        return False
    page = data.rfind(b"OggS")
    if page + 27 > len(data):
        return True
    end_of_stream = bool(data[page + 5] & 4)
    lacing = data[page + 27 : page + 27 + data[page + 26]]
    return not end_of_stream or page + 27 + data[page + 26] + sum(lacing) > len(data)


def _wav_is_cut(data: bytes) -> bool:
    """Whether a WAV is shorter than its header says. FFmpeg corrects the length silently; 2**32 - 1 means unknown."""
    size = int.from_bytes(data[4:8], "little")
    return data.startswith(b"RIFF") and size < 2**32 - 1 and size + 8 > len(data)
