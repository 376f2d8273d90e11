"""Sentences with times out of segments."""

import pytest

from voxmood.models import AsrSegment
from voxmood.sentences import finished, guess_language, split, split_segments


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


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I came home. The door was open. Who was it? Nobody knows."),
        ("en", "He said “It is late. Go home.” And I went. She stayed (I think. Perhaps not) with us. Fine."),
        ("en", "'Cause it's late. Dr. Smith 'really. wants' to see Mr. Jones at 5 p.m. today. Well . . . no! Yes."),
        ("ru", "Привет. Он сказал «Приходи. Я жду» и ушёл. Встреча в 10 ч. утра. Потом „сам. знаешь“ что. Пока!"),
    ],
)
def test_a_finished_sentence_stays_as_it_is_whatever_follows(language: str, text: str) -> None:
    segments = spoken(*((f" {word}", second, second + 1) for second, word in enumerate(text.split())))
    whole = split_segments(segments, language)
    heard = [finished(segments[:count], language) for count in range(1, len(segments) + 1)]
    for spans in heard:
        assert spans == whole[: len(spans)]
    assert heard[-1] == whole[:-1], "where nothing is open, only the last one may go on"


def test_what_stands_behind_an_open_quotation_waits_for_its_end() -> None:
    said = spoken((" Well. He said", 0, 1), (" “It is late. Go home. Now.", 1, 2))
    assert [span.text for span in finished(said, "en")] == ["Well."]
    closed = [*said, *spoken((" Please.” And I went. So did", 2, 3))]
    assert finished(closed, "en") == split_segments(closed, "en")[:-1]


def test_a_straight_quotation_mark_more_may_turn_all_of_them_round() -> None:
    said = spoken((' Well. He said "It is late. Go home." And I went. So did you.', 0, 9))
    whole = split_segments([*said, *spoken((' "No. Not I', 9, 10))], "en")
    assert finished(said, "en") == whole[:1]
    assert whole[1] not in split_segments(said, "en")
