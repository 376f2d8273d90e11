"""What must hold of any text: sentences, windows, moods and turns, tried with texts that nobody would think of."""

import json
from itertools import pairwise
from threading import Event

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from voxmood import Analyzer, InvalidInput, Sentence
from voxmood.models import AsrAnswer, AsrSegment
from voxmood.sentences import guess_language, split, split_segments
from voxmood.turns import change
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.schemas import Question
from voxmood_sentiment.scoring import Scorer, Windows, batches
from voxmood_sentiment.settings import SHIPPED
from voxmood_sentiment.windows import windows
from voxmood_sentiment.words import clean, is_blank, language, whole, words

PIECES = st.sampled_from(
    ["Mr. ", "г. ", "! ", "?! ", "... ", "\n", "\u202e", "\u200f", "\u0301", "👩‍👩‍👧", "🇷🇺", "م ", "https://"]
)
TEXTS = st.lists(st.one_of(st.text(), PIECES)).map("".join)
SURROGATES = st.characters(categories=["Cs"])
BROKEN = st.tuples(TEXTS, SURROGATES, TEXTS).map("".join)  # what JSON can carry and no answer can
LANGUAGES = st.sampled_from([None, "en", "ru", "ar", "xx"])
LONG = [unit * (20_000 // len(unit)) for unit in ("a", "😀", "Да. ", ".", " ", "\u202eab", "Mr. ")]


@given(TEXTS, LANGUAGES)
@example(LONG[0], None)
@example(LONG[1], None)
@example(LONG[2], None)
@example(LONG[3], None)
@example(LONG[5], None)
@example(LONG[6], "en")
def test_sentences_hold_every_letter_in_order(text: str, code: str | None) -> None:
    sentences = [span.text for span in split(text, code)]
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence.strip() == sentence != "" for sentence in sentences)


@given(st.lists(st.tuples(TEXTS, st.floats(0, 30)), max_size=20), LANGUAGES)
def test_times_of_sentences_never_run_backwards_or_beyond(said: list[tuple[str, float]], code: str | None) -> None:
    segments, clock = [], 0.0
    for text, seconds in said:
        segments.append(AsrSegment(text=text, start=clock, end=clock + seconds))
        clock += seconds
    spans = split_segments(segments, code)
    times = [time for span in spans for time in (span.start, span.end) if time is not None]
    assert len(times) == 2 * len(spans)
    assert all(-0.01 <= time <= clock + 0.01 for time in times)
    assert all(before <= after + 0.011 for before, after in pairwise(times))


@given(TEXTS, st.integers(1, 30), st.integers(1, 6))
@example(LONG[0], 500, 4)
@example(LONG[2], 500, 4)
def test_every_token_is_in_one_window(text: str, limit: int, size: int) -> None:
    offsets = [(at, min(at + size, len(text))) for at in range(0, len(text), size)]
    slices = windows(text, offsets, limit)
    assert [offset for part in slices for offset in offsets[part]] == offsets
    assert all(len(offsets[part]) <= limit for part in slices)


@given(st.lists(st.integers(1, 600), max_size=50))
def test_every_window_is_in_one_batch(lengths: list[int]) -> None:
    found = list(batches(lengths, 512))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 512 for batch in found)


@given(st.lists(st.tuples(st.lists(st.floats(-50, 50), min_size=3, max_size=3), st.integers(1, 128)), min_size=1))
def test_a_long_text_is_between_its_windows(read: list[tuple[list[float], int]]) -> None:
    logits = np.array([row for row, _ in read], np.float32)
    seen = Windows(logits, np.array([tokens for _, tokens in read]), np.array([0]))
    (whole_text,), each = (
        seen.probabilities(1.0),
        [Windows(logits[i : i + 1], np.ones(1, int), np.zeros(1, int)) for i in range(len(read))],
    )
    parts = np.concatenate([window.probabilities(1.0) for window in each])
    assert whole_text.sum() == pytest.approx(1, abs=1e-4)
    assert (whole_text >= parts.min(axis=0) - 1e-4).all()
    assert (whole_text <= parts.max(axis=0) + 1e-4).all()


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    scorer = Scorer(lambda: open_classifier(str(SHIPPED), 0))
    scorer.load()
    return scorer


@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
@example(text=LONG[1][:5_000])
@example(text=LONG[5][:5_000])
def test_any_text_has_a_mood(scorer: Scorer, text: str) -> None:
    reading, again = scorer.read([text, text], Event())
    assert reading.classes.sum() == pytest.approx(1, abs=1e-4)
    assert np.isfinite(reading.logits).all()
    assert reading.verdict == again.verdict, "whatever is read beside it"


@given(st.one_of(TEXTS, BROKEN))
def test_what_is_read_can_be_written_down(text: str) -> None:
    (mended,) = Question(texts=[text]).texts
    assert json.loads(json.dumps(mended).encode()) == mended
    assert len(mended) == len(text)
    cleaned = clean(mended)
    assert cleaned.encode().decode() == cleaned == clean(cleaned)


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@given(text=BROKEN)
async def test_half_characters_go_no_further(analyzer: Analyzer, text: str) -> None:
    with pytest.raises(InvalidInput):
        await analyzer.analyze_text(text)
    with pytest.raises(ValidationError):
        AsrAnswer.model_validate_json(json.dumps({"text": text}))


@given(TEXTS)
def test_words_lie_within_the_text_one_after_the_other(text: str) -> None:
    places = [place for word in words(text) for place in word]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)


@given(TEXTS)
def test_any_text_has_a_language_to_split_it_by(text: str) -> None:
    assert language(text) in ("en", "ru")
    assert guess_language(text) in ("en", "ru", None)
    assert not (is_blank(text) and guess_language(text))


@pytest.mark.parametrize("text", LONG)
def test_the_longest_texts_keep_their_length(text: str) -> None:
    assert len(whole(text)) == len(text)


SENTENCES = st.builds(
    Sentence,
    text=TEXTS,
    start=st.none() | st.floats(0, 1e6),
    end=st.none() | st.floats(0, 1e6),
    verdict=st.sampled_from(["negative", "neutral", "positive"]),
    confidence=st.floats(0, 1),
    score=st.floats(-1, 1),
)


@given(st.lists(SENTENCES, max_size=40))
def test_a_turn_is_one_of_the_sentences_but_the_first(sentences: list[Sentence]) -> None:
    turned = change(sentences)
    assert turned is None or any(turned is sentence for sentence in sentences[1:])
