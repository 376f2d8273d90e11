"""The words that `explain` names carry the verdict: without them it loses more than without as many random ones."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from training import deletion

from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.explain import Weight
from voxmood_sentiment.scoring import Scorer
from voxmood_sentiment.settings import SHIPPED

TEXTS = (
    "Hi, it's me, I just wanted to say that the soup you left was absolutely delicious.",
    "I waited for forty minutes in the rain and nobody even bothered to call me.",
    "The plumber comes on Tuesday between nine and eleven, the key is under the mat.",
    "Honestly I am so proud of you, that was a brilliant performance last night.",
    "They lost my luggage again and the woman at the desk was incredibly rude.",
    "Could you send me the address of the dentist when you have a minute?",
    "The room was small but the view over the harbour made up for everything.",
    "I'm sorry, I can't come tonight, I feel terrible and my head is killing me.",
    "We finally got the flat, I can't believe it, I'm jumping around the kitchen!",
    "This phone dies after two hours and support keeps sending me useless links.",
    "The shop on the corner opens at eight, and on Sundays it is closed.",
    "Мы доехали за пять часов, сейчас разгружаем вещи, перезвоню вечером.",
    "Бабушка, спасибо тебе большое за варенье, оно невероятно вкусное!",
    "Опять прорвало трубу, весь коридор в воде, я просто в отчаянии.",
    "Ты не представляешь, какой классный подарок мне сделали ребята на работе.",
    "Курьер привёз не тот размер и ещё нахамил мне по телефону.",
    "Собрание перенесли на среду, аудитория та же, начало в десять.",
    "Мне очень грустно, что мы так и не увиделись перед твоим отъездом.",
    "Сегодня такой чудесный день, гуляем в парке и едим мороженое.",
    "Фильм оказался скучным, зря потратили вечер и деньги на билеты.",
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    opened = Scorer(lambda: open_classifier(str(SHIPPED), threads=1))
    opened.load()
    return opened


def test_named_words_carry_more_than_random_ones(scorer: Scorer) -> None:
    cases = deletion.read_cases(scorer, TEXTS)
    assert len(cases) >= len(TEXTS) - 2  # a text without a word for its verdict is no case
    results = deletion.compare(scorer, cases, draws=3, seed=1)
    for result in results.values():
        assert result["named"] > 2 * result["random"]
        assert result["interval"][0] > 5  # percent points
    assert results["1"]["named"] < results["2"]["named"] < results["3"]["named"]


def test_the_command_writes_down_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deletion, "dev_set", lambda *_: pd.DataFrame({"text": TEXTS[:3]}))
    monkeypatch.setattr(deletion, "RESULT", tmp_path / "deletion.json")
    monkeypatch.setattr(sys, "argv", ["deletion", "--data", "nowhere", "--draws", "1"])
    deletion.main()
    facts = json.loads((tmp_path / "deletion.json").read_text())
    assert (facts["model"], facts["texts"]) == ("voxmood-1", 3)
    assert deletion.table(facts["words"]) in capsys.readouterr().out


def test_short_texts_are_no_cases(scorer: Scorer) -> None:
    assert deletion.read_cases(scorer, ["So good!", "I love it a lot."], shortest=5)[0].text == "I love it a lot."


def test_words_are_left_out_where_they_stand() -> None:
    text = "no, no, never"
    assert deletion.without(text, [Weight(0, 2, 0.1), Weight(8, 13, 0.2)]) == ", no, "
    assert deletion.without(text, []) == text
