"""Bytes to samples for the peers that leave this to the caller, so that all read Opus with the same FFmpeg."""

import io
from itertools import chain

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

RATE = 16_000  # Hz


def decode(data: bytes) -> NDArray[np.float32]:
    """The first audio stream as float32 in [-1, 1], mono, 16 kHz."""
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(io.BytesIO(data), mode="r") as container:
        frames = chain(container.decode(audio=0), [None])  # None flushes the resampler
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)]
    return np.concatenate(pieces)
