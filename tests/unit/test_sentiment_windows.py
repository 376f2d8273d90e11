"""Long texts are cut at sentence ends where possible, and no token is lost."""

import re

import pytest

from voxmood_sentiment.windows import windows
from voxmood_sentiment.words import is_blank, language, whole, words


def tokens(text: str, size: int = 4) -> list[tuple[int, int]]:
    """Cut a text into pieces of words, at most `size` characters each: a tokenizer in small."""
    pieces = []
    for word in re.finditer(r"\w+|[^\w\s]", text):
        pieces += [(start, min(start + size, word.end())) for start in range(word.start(), word.end(), size)]
    return pieces


def cut(text: str, limit: int) -> list[str]:
    """The texts of the windows, after checking that every token is in exactly one of them."""
    offsets = tokens(text)
    slices = windows(text, offsets, limit)
    assert [offset for part in slices for offset in offsets[part]] == offsets
    assert all(len(offsets[part]) <= limit for part in slices)
    return [text[offsets[part][0][0] : offsets[part][-1][1]] for part in slices]


def test_short_text_is_one_window() -> None:
    assert cut("The bus was late. I walked.", 100) == ["The bus was late. I walked."]


def test_as_many_whole_sentences_as_fit() -> None:
    text = "The bus was late. I walked. It rained on me. We all got wet."
    assert cut(text, 11) == ["The bus was late. I walked.", "It rained on me. We all got wet."]


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "I saw Mr. Brown today. He waved."
    assert cut(text, 10) == ["I saw Mr. Brown today.", "He waved."]
    assert cut("Это было в 1999 г. в Туле. Дождь шёл.", 9) == ["Это было в 1999 г. в Туле.", "Дождь шёл."]


def test_long_sentence_is_cut_before_a_word() -> None:
    assert cut("one two three four five six", 4) == ["one two three", "four five six"]


def test_long_word_is_cut_between_tokens() -> None:
    assert cut("a" * 30, 3) == ["a" * 12, "a" * 12, "a" * 6]


def test_tokens_that_hold_the_space_before_them() -> None:
    text = "Yes. No. Well."
    offsets = [(0, 3), (3, 4), (4, 7), (7, 8), (8, 13), (13, 14)]  # " No" and " Well", as some tokenizers cut
    assert windows(text, offsets, 4) == [slice(0, 4), slice(4, 6)]
    assert windows(text, offsets, 3) == [slice(0, 2), slice(2, 4), slice(4, 6)]


@pytest.mark.parametrize("text", ["так " * 700, "ну. " * 700, "x" * 900, "?!" * 600, "a\n\nb\t" * 300, "👍🏽 " * 300])
@pytest.mark.parametrize("limit", [1, 2, 7, 510])
def test_nothing_is_lost(text: str, limit: int) -> None:
    assert cut(text, limit)


def test_language_is_guessed_from_letters() -> None:
    assert language("Я купил iPhone вчера") == "ru"
    assert language("He said «да» to that") == "en"
    assert language("12:30 !!!") == "en"


def test_words_are_without_punctuation_and_emoji_count() -> None:
    text = "«Ну, что-то не то...» — don't 😀 !"
    assert [text[start:end] for start, end in words(text)] == ["Ну", "что-то", "не", "то", "don't", "😀"]


def test_blank_is_what_has_nothing_to_read() -> None:
    assert all(map(is_blank, ["", " \t\n", "\u200b\ufeff", "\x00"]))
    assert not any(map(is_blank, [".", "а", "👍", "\ufffd"]))


def test_halves_of_surrogate_pairs_become_a_visible_mark() -> None:
    assert whole("a \ud83d b 😀") == "a \ufffd b 😀"
