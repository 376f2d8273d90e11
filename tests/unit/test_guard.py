"""The guard against what Whisper makes up, and the choice of the language."""

from itertools import pairwise

import numpy as np
import pytest

from voxmood_asr.audio import Clip, decode
from voxmood_asr.engine import Request, WhisperEngine, invented
from voxmood_asr.errors import UnknownLanguage
from voxmood_asr.settings import Settings
from voxmood_asr.short_window import Decoded
from voxmood_asr.speech import pieces
from voxmood_asr.transcript import Segment


def segment(text: str, ratio: float, silence: float, logprob: float) -> Segment:
    return Segment(text, 0.0, 1.0, [], 0.0, logprob, ratio, silence, [])


def test_only_the_marks_of_an_invention_condemn_a_segment() -> None:
    assert invented(segment("I will be there at noon.", 1.1, 0.1, -0.3)) is None
    assert invented(segment("mumbled, but said", 1.1, 0.1, -1.5)) is None
    assert invented(segment("said after a long pause", 1.1, 0.9, -0.3)) is None
    assert invented(segment("you you you you you you", 5.0, 0.1, -0.2)) == "repetition"
    assert invented(segment("Thanks for watching!", 1.1, 0.9, -1.5)) == "no_speech"


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    engine = WhisperEngine(Settings(asr_threads=2))
    engine.load()
    return engine


def test_what_is_dropped_is_named(
    engine: WhisperEngine, voices: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that loops on this clip is not at hand: what it decodes is stood in for, the rest is real."""
    clip = decode(voices["en-positive-job"], 600)

    def piece(text: str, ratio: float) -> Decoded:
        return Decoded([{"start": 0.0, "end": 1.0, "text": text, "tokens": []}], -0.3, 0.1, ratio, 9.0, repeated=True)

    looping = [piece("I got the job.", 1.1), piece("la la la la", 4.0)]
    monkeypatch.setattr("voxmood_asr.engine.pieces", lambda _: iter([*pieces(clip.pcm)] * 2))
    monkeypatch.setattr(engine.model, "decode", lambda *_, **__: looping)
    heard = engine.transcribe(clip, Request())
    assert heard.text == "I got the job."
    assert [warning.split(": ")[1] for warning in heard.warnings] == ["repetition"]
    assert heard.dropped == ["repetition"], "for the metrics"


def test_detection_chooses_among_the_languages_of_the_setting(voices: dict[str, bytes]) -> None:
    clip = decode(voices["ru-positive-concert"], 600)
    english_only = WhisperEngine(Settings(languages=("en",), asr_threads=2))
    english_only.load()
    heard = english_only.transcribe(clip, Request())
    assert heard.language == "en"
    assert heard.language_probability is not None
    assert heard.language_probability < 0.5
    assert "language uncertain" in heard.warnings


def test_a_language_that_is_asked_for_is_taken(engine: WhisperEngine, voices: dict[str, bytes]) -> None:
    clip = decode(voices["en-positive-job"], 600)
    heard = engine.transcribe(clip, Request(language="en"))
    assert (heard.language, heard.language_probability) == ("en", None)
    with pytest.raises(UnknownLanguage, match="xx"):
        engine.transcribe(clip, Request(language="xx"))


def test_a_long_recording_is_recognised_step_by_step(
    engine: WhisperEngine, voices: dict[str, bytes], said: dict[str, dict[str, str]]
) -> None:
    name = "en-negative-birthday"
    clip = Clip(np.tile(decode(voices[name], 600).pcm, 12), truncated=False)
    texts = [so_far.text for so_far in engine.steps(clip, Request())]
    whole = engine.transcribe(clip, Request())
    assert texts
    for shorter, longer in pairwise([*texts, whole.text]):
        assert len(shorter) < len(longer)
        assert longer.startswith(shorter)


def test_early_words_are_the_same_words(engine: WhisperEngine, voices: dict[str, bytes]) -> None:
    names = ("en-negative-birthday", "en-neutral-train", "en-positive-job", "en-negative-holiday")
    clip = Clip(np.concatenate([decode(voices[name], 600).pcm for name in names]), truncated=False)
    beginning, first, *_ = engine.steps(clip, Request(early=True))
    assert (beginning.text, beginning.reached, beginning.duration) == ("", 0, clip.seconds)
    assert 0 < first.reached < clip.seconds / 2
    whole, early = engine.transcribe(clip, Request()), engine.transcribe(clip, Request(early=True))
    assert early == whole
    assert whole.reached == clip.seconds
    assert whole.text.startswith(first.text)


def test_silence_costs_no_recognition(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(engine.model, "model")  # whoever touches the weights now, fails
    heard = engine.transcribe(Clip(np.zeros(160_000, np.int16), truncated=False), Request())
    assert (heard.text, heard.no_speech, heard.duration) == ("", True, 10.0)
