"""Recordings cut into pieces of speech, and what they hold when Whisper is given no more than them."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from jiwer import wer
from whisper_normalizer.basic import BasicTextNormalizer

from voxmood_asr import short_window, speech
from voxmood_asr.audio import RATE, Clip, Pcm, decode
from voxmood_asr.engine import Request, WhisperEngine
from voxmood_asr.settings import Settings
from voxmood_asr.short_window import Stamps

JOB = "en-positive-job"
normalise = BasicTextNormalizer()
Said = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    engine = WhisperEngine(Settings(asr_threads=2))
    engine.load()
    return engine


@pytest.fixture(scope="module")
def conversation(voices: dict[str, bytes], said: Said) -> tuple[Pcm, str]:
    """All English voices of the demo, three times over, a pause of a second behind each, and what they say."""
    names = sorted(name for name in voices if name.startswith("en-")) * 3
    pause = np.zeros(RATE, np.int16)
    pcm = np.concatenate([part for name in names for part in (decode(voices[name], 600).pcm, pause)])
    return pcm, " ".join(said[name]["text"] for name in names)


def test_speech_is_found_however_quiet(voices: dict[str, bytes]) -> None:
    pcm = decode(voices[JOB], 600).pcm
    for gain in (1, 0.1, 0.01):
        (piece,) = speech.pieces((pcm * gain).astype(np.int16))
        assert np.abs(piece.samples).max() == pytest.approx(speech.PEAK, abs=0.01)
    assert list(speech.pieces(np.zeros(RATE, np.int16))) == []
    assert list(speech.pieces(np.zeros(0, np.int16))) == []


def test_a_long_recording_is_cut_between_words_and_nothing_is_lost(conversation: tuple[Pcm, str]) -> None:
    pcm, _ = conversation
    pieces = list(speech.pieces(pcm))
    stretches = [stretch for piece in pieces for stretch in piece.stretches]
    assert all(len(piece.samples) <= speech.LONGEST for piece in pieces)
    assert all(one["end"] <= two["start"] for one, two in pairwise(stretches))
    heard = np.zeros(len(pcm), bool)
    for stretch in stretches:
        heard[stretch["start"] : stretch["end"]] = True
    assert np.abs(pcm[~heard]).mean() < 0.02 * np.abs(pcm[heard]).mean()


def test_moments_of_a_piece_are_found_in_the_recording(voices: dict[str, bytes]) -> None:
    voice = decode(voices[JOB], 600).pcm[: 5 * RATE]
    (piece,) = speech.pieces(np.concatenate([np.zeros(5 * RATE, np.int16), voice, np.zeros(9 * RATE, np.int16), voice]))
    assert piece.at(0) == pytest.approx(5, abs=0.5)
    assert piece.at(piece.seconds, end=True) == pytest.approx(14 + 2 * len(voice) / RATE, abs=0.5)
    rest = piece.after(piece.seconds / 2 + 0.5)
    assert rest.at(0) == pytest.approx(piece.at(piece.seconds / 2 + 0.5), abs=0.01)
    assert rest.seconds == pytest.approx(piece.seconds / 2 - 0.5, abs=0.01)


def test_an_hour_takes_little_more_memory_than_a_minute(conversation: tuple[Pcm, str]) -> None:
    def peak(pcm: Pcm) -> int:
        tracemalloc.start()
        for _ in speech.pieces(pcm):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    block = np.resize(conversation[0], speech.BLOCK)
    assert peak(np.tile(block, 5)) < 1.3 * peak(block)


def test_a_long_recording_is_recognised_in_batches_as_well_as_piece_by_piece(
    engine: WhisperEngine, conversation: tuple[Pcm, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm, text = conversation
    transcript = engine.transcribe(Clip(pcm, truncated=False), Request(words=True))
    assert wer(normalise(text), normalise(transcript.text)) < 0.05
    starts = [segment.start for segment in transcript.segments]
    assert starts == sorted(starts)
    assert transcript.segments[-1].end <= transcript.duration
    words = [word for segment in transcript.segments for word in segment.words]
    assert len(words) == len(transcript.text.split())
    assert all(0 <= word.start <= word.end <= transcript.duration for word in words)


def test_a_short_clip_is_encoded_once_and_not_as_thirty_seconds(
    engine: WhisperEngine, voices: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, encode = [], engine.model.encode

    def counted(window: np.ndarray) -> object:
        frames.append(window.shape[-1])
        return encode(window)

    monkeypatch.setattr(engine.model, "encode", counted)
    clip = decode(voices[JOB], 600)
    transcript = engine.transcribe(clip, Request())
    assert transcript.language == "en"
    (length,) = frames
    assert length < (clip.seconds + 7) * short_window.FRAMES


def test_loops_are_mended(
    engine: WhisperEngine, voices: dict[str, bytes], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without silence behind the speech, the model loops on many clips; a sentence said twice is no loop yet."""
    monkeypatch.setattr(short_window, "MARGIN", 0)
    mended = 0
    for name, data in voices.items():
        transcript = engine.transcribe(decode(data, 600), Request())
        mended += transcript.repeats
        assert wer(normalise(said[name]["text"]), normalise(transcript.text)) < 0.5, name
    assert mended


def test_a_loop_is_cut_where_the_speech_ends() -> None:
    first = 50364  # <|0.00|>

    def at(seconds: float) -> int:
        return first + round(seconds / 0.02)

    stamps = Stamps(first, 7.0)
    said = [at(0), 11, 12, at(3), at(3), 13, 14, at(6.9)]
    loop = [at(6.7), 11, 12, at(8)]
    assert not stamps.go_on(said)
    assert stamps.go_on([*said, *loop])
    assert stamps.cut([*said, *loop]) == said
    assert stamps.cut(said) == said
