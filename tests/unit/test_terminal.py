"""What `voxmood analyze` prints, as a terminal shows it."""

import io
import re

import pytest
from rich.console import Console

from voxmood.models import Analysis, Label, Models, Sentence, Timings, WordWeight
from voxmood.terminal import evidence, show

ANSI = re.compile(r"\x1b\[([0-9;]*)m")
DIM, BOLD, UNDERLINE = "2", "1", "4"
RED, GREEN, MAGENTA = "31", "32", "35"


def said(text: str, verdict: Label, confidence: float, weights: list[float] | None) -> Analysis:
    """One sentence; its words are those between spaces, without punctuation."""
    words = None
    if weights is not None:
        words = [WordWeight(text=word.strip(",."), weight=w) for word, w in zip(text.split(), weights, strict=True)]
    sentence = Sentence(text=text, verdict=verdict, confidence=confidence, score=0, words=words)
    return Analysis(
        verdict=verdict,
        confidence=confidence,
        score=0,
        scores=None,
        transcript=text,
        language="en",
        duration=None,
        no_speech=False,
        truncated=False,
        warnings=[],
        sentences=[sentence],
        models=Models(),
        timings=Timings(),
    )


def shown(analysis: Analysis, *, terminal: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, color_system="standard" if terminal else None, width=100)
    show(console, "message.ogg", analysis)
    return out.getvalue()


def styled(output: str) -> list[tuple[str, set[str]]]:
    """The output in pieces, each with the numbers of its ANSI style."""
    pieces, style = [], set[str]()
    for index, part in enumerate(ANSI.split(output)):
        if index % 2:
            style = set(part.split(";")) - {"0", ""}
        elif part:
            pieces.append((part.strip(), style))
    return pieces


GLAD = said("So good, but not that good.", "positive", 0.6, [0.02, 0.5, -0.1, -0.3, 0, 0.1])


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_words_are_marked_where_they_stand() -> None:
    pieces = styled(shown(GLAD))
    goods = [style for text, style in pieces if text == "good"]
    assert goods == [{BOLD, GREEN}, {GREEN}]  # the first one weighs more
    assert ("but", {UNDERLINE, MAGENTA}) in pieces
    assert ("not", {BOLD, UNDERLINE, MAGENTA}) in pieces
    assert all(style == {DIM} for text, style in pieces if text in ("So", "that"))


def test_without_colours_the_same_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not {RED, GREEN, MAGENTA} & set().union(*(style for _, style in styled(shown(GLAD))))
    plain = shown(GLAD, terminal=False)
    assert "\x1b" not in plain
    assert "▲  So good, but not that good." in plain
    assert "good +0.50  not -0.30  but -0.10" in plain


def test_a_sentence_that_is_not_explained_has_the_colour_of_its_mood() -> None:
    assert ("It is all lost.", {RED}) in styled(shown(said("It is all lost.", "negative", 0.9, None)))


def test_words_that_hardly_weigh_are_not_marked() -> None:
    output = shown(said("See you at six.", "neutral", 0.9, [0.001, 0, -0.001, 0.002]))
    assert ("See you at six.", {DIM}) in styled(output)
    assert "+0" not in output.split("six.")[1]


def test_words_that_the_sentence_does_not_hold_do_no_harm() -> None:
    analysis = said("Lovely day", "positive", 0.6, [0.3, 0.2])
    (sentence,) = analysis.sentences
    strange = sentence.model_copy(update={"words": [WordWeight(text="absent", weight=0.5)]})
    assert "absent +0.50" in shown(analysis.model_copy(update={"sentences": [strange]}), terminal=False)


def test_evidence_tells_words_apart_where_the_model_is_sure() -> None:
    assert evidence(0.6, 0.1) == pytest.approx(0.405, abs=0.001)  # log(0.6 / 0.4) - log(0.5 / 0.5)
    assert evidence(0.96, 0.01) > 2 * evidence(0.6, 0.01)
    assert evidence(0.6, -0.1) < 0
    assert evidence(1.0, 0.0001) == 0  # rounded probabilities say nothing so near to 1
    assert evidence(1.0, 1.0) < 10


def test_what_is_hard_to_say_is_told_as_a_guess() -> None:
    (sentence,) = GLAD.sentences
    doubted = GLAD.model_copy(
        update={"hard_to_say": True, "sentences": [sentence.model_copy(update={"hard_to_say": True})]}
    )
    assert "▲ positive?  hard to say, 60% sure, score +0.00" in shown(doubted, terminal=False)
    assert "▲?" in shown(doubted, terminal=False)
    assert "?" not in shown(GLAD, terminal=False)
    assert "hard to say" not in shown(GLAD, terminal=False)


def test_a_name_cannot_steer_the_terminal() -> None:
    out = io.StringIO()
    show(Console(file=out), "\x1b[2J\udcff привет.ogg", GLAD)
    assert out.getvalue().startswith("�[2J� привет.ogg\n")
