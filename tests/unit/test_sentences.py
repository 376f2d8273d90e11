"""Sentences with times out of segments."""

import pytest

from voxmood.models import AsrSegment
from voxmood.sentences import guess_language, split, split_segments


def spoken(*segments: tuple[str, float, float]) -> list[AsrSegment]:
    return [AsrSegment(text=text, start=start, end=end) for text, start, end in segments]


def test_a_sentence_may_cover_segments_and_a_segment_sentences() -> None:
    spans = split_segments(
        spoken((" I came home. The door", 0, 4), (" was open.", 5, 7), ("  ", 7, 8), (" Who was it?", 9, 10)), "en"
    )
    assert [span.text for span in spans] == ["I came home.", "The door was open.", "Who was it?"]
    assert spans[0].start == 0
    assert spans[1].start == pytest.approx(4 * 13 / 21, abs=0.01)
    assert (spans[1].end, spans[2].start, spans[2].end) == (7, 9, 10)


def test_equal_sentences_keep_their_own_times() -> None:
    spans = split_segments(spoken(("No. No. No.", 0, 9)), "en")
    assert [span.start for span in spans] == pytest.approx([0, 3.27, 6.55], abs=0.02)


def test_nothing_said_nothing_split() -> None:
    assert split_segments([], "en") == []
    assert split_segments(spoken(("  ", 0, 1)), None) == []
    assert split(" \n ", "en") == []


def test_abbreviations_do_not_end_sentences() -> None:
    assert [span.text for span in split("Dr. Smith paid 3.5 dollars. Fine.", "en")] == [
        "Dr. Smith paid 3.5 dollars.",
        "Fine.",
    ]
    assert [span.text for span in split("Встреча в 10 ч. утра. Приходи!", "ru")] == [
        "Встреча в 10 ч. утра.",
        "Приходи!",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Привет, как дела?", "ru"), ("Hello", "en"), ("ок, send me the файл please", "en"), ("10:45 😀", None)],
)
def test_language_of_a_text(text: str, language: str | None) -> None:
    assert guess_language(text) == language
