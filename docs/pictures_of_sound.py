"""Pictures of a voice message until it is text: python -m docs.pictures."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from docs import inside
from docs.palette import MOODS, SAND, TEAL
from voxmood_asr.audio import RATE
from voxmood_asr.short_window import FRAMES, FULL, MARGIN


def heard() -> Figure:
    """Waveform, spectrogram, and words and sentences, over the same seconds."""
    voice = inside.hear()
    figure = Figure(figsize=(7.8, 4.4), layout="constrained")
    wave, mel, said = figure.subplots(3, sharex=True, height_ratios=(1.1, 1.6, 1.0))
    columns = 390
    parts = voice.samples[: len(voice.samples) // columns * columns].reshape(columns, -1)
    times = (np.arange(columns) + 0.5) * parts.shape[1] / RATE
    wave.fill_between(times, parts.min(axis=1), parts.max(axis=1), color=TEAL, linewidth=0)
    for start, end in voice.stretches:
        wave.axvspan(start, end, color=SAND, zorder=0)
    wave.set(ylabel="sound", yticks=[], xlim=(0, len(voice.samples) / RATE))
    spectrogram(mel, voice.mel, 0)
    mel.set(ylabel="80 bands of pitch", yticks=[])
    said.set(ylim=(-1.6, 1), yticks=[], xlabel="seconds")
    for number, word in enumerate(word for segment in voice.transcript.segments for word in segment.words):
        middle = (word.start + word.end) / 2
        said.text(middle, 0.7 - 0.65 * (number % 2), word.text, ha="center", va="center", size=8)
    for sentence in voice.sentences:
        mood = inside.understand(sentence.text).reading.verdict
        middle = ((sentence.start or 0) + (sentence.end or 0)) / 2
        said.plot([sentence.start, sentence.end], [-0.55, -0.55], color=MOODS[mood], linewidth=5, solid_capstyle="butt")
        said.text(middle, -1.15, mood, color=MOODS[mood], ha="center", va="center", weight="bold")
    for axes in (wave, mel, said):
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def spectrogram(axes: Axes, mel: inside.Floats, start: float) -> None:
    """A log-mel spectrogram from `start` on, in as few pixels and colours as it takes to see it."""
    pixels = mel[:, : mel.shape[1] // 3 * 3].reshape(40, 2, -1, 3).mean(axis=(1, 3))
    extent = (start, start + mel.shape[1] / FRAMES, 0, mel.shape[0])
    colours = mpl.colormaps["GnBu"].resampled(16)
    axes.imshow(pixels, aspect="auto", origin="lower", extent=extent, cmap=colours, interpolation="none")


def window() -> Figure:
    """What the encoder computes: a window of 30 s, or as much as there is speech, and a margin."""
    voice = inside.hear()
    figure = Figure(figsize=(7.8, 1.9), layout="constrained")
    speech = voice.mel.shape[1]
    rows = (("30 s, as trained", FULL), ("here", min(FULL, speech + MARGIN)))
    for axes, (name, frames) in zip(figure.subplots(2, sharex=True), rows, strict=True):
        axes.axvspan(0, frames / FRAMES, color=SAND, zorder=0)
        spectrogram(axes, voice.mel, 0)
        axes.text((speech + frames) / 2 / FRAMES, 40, "silence", ha="center", va="center", size=8)
        axes.text(frames / FRAMES + 0.3, 40, f"{frames // 2:,} positions", va="center", size=8)
        axes.set(xlim=(0, FULL / FRAMES + 4), ylim=(0, 80), yticks=[], xticks=range(0, 31, 5))
        axes.tick_params(length=0)
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.spines[:].set_visible(False)
    axes.set_xlabel("seconds")
    return figure
