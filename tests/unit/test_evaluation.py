"""The figures of the model card: calibration, slices, counterfactual sentences, and the commands that write them."""

import csv
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from training import calibrate, card, counterfactual, evaluate, metrics, slices

from tests.unit.test_sentiment_calibration import model
from voxmood_sentiment.scoring import Windows, softmax
from voxmood_sentiment.words import language

SENTIMENT = Path(__file__).resolve().parents[2] / "services" / "sentiment"
TRAINING = {
    "model": {"layers": 12, "width": 384, "pieces": 57420},
    "train": {"settings": {"epochs": 2.0, "rate": 0.0001}, "macro_f1": 0.743, "seconds": 3600, "rows": {"en": 40}},
    "export": {"rows": 1050, "agreement": 99.5, "bytes": 48_000_000},
}


def too_sure(temperature: float) -> tuple[Windows, np.ndarray]:
    """6,000 texts of one or two equal windows whose labels follow softmax(logits / temperature)."""
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 3, (6_000, 3)).astype(np.float32)
    labels = (softmax(logits / temperature).cumsum(axis=1) > chance.random((6_000, 1))).argmax(axis=1)
    halves = np.repeat(logits, 2, axis=0)
    return Windows(halves, np.full(12_000, 7), np.arange(0, 12_000, 2)), labels


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.8])
def test_a_known_temperature_is_found(temperature: float) -> None:
    seen, labels = too_sure(temperature)
    assert calibrate.fit_temperature(seen, np.eye(3), labels) == pytest.approx(temperature, rel=0.06)


def test_the_temperature_takes_the_calibration_error_away() -> None:
    seen, labels = too_sure(2.5)
    before, after = (calibrate.judged(seen.probabilities(t), labels) for t in (1, 2.5))
    assert metrics.calibration_error(*before) > 0.15
    assert metrics.calibration_error(*after) < 0.02


def test_calibration_error_is_the_mean_distance_of_confidence_and_accuracy() -> None:
    confidence = np.array([0.95] * 10 + [0.55] * 10 + [1.0])
    right = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7 + [True])
    # Bins are 1/15 wide: 0.95 and 1.0 share the last one.
    expected = (11 * abs((9.5 + 1) / 11 - 10 / 11) + 10 * abs(0.55 - 0.3)) / 21
    assert metrics.calibration_error(confidence, right) == pytest.approx(expected, abs=1e-4)
    weights = np.array([1.0] * 10 + [1e-9] * 10 + [1.0])
    assert metrics.calibration_error(confidence, right, weights) == pytest.approx(0.5 / 11, abs=1e-4)


def test_the_threshold_is_the_lowest_that_does() -> None:
    confidence = np.repeat([0.4, 0.5, 0.6, 0.7], 10)
    right = np.concatenate([np.arange(10) < count for count in (4, 6, 8, 9)])
    assert calibrate.choose_threshold(confidence, right, 0.6) == 0
    assert calibrate.choose_threshold(confidence, right, 0.8) == pytest.approx(0.51)
    assert calibrate.outcome(confidence, right, 0.51)["coverage"] == 50
    assert calibrate.outcome(confidence, right, 0.51)["accuracy_hard"] == 50
    with pytest.raises(SystemExit, match="lower --right"):
        calibrate.choose_threshold(confidence, right, 0.95)


@pytest.mark.parametrize(
    ("rule", "those", "others"),
    [
        (
            "negation",
            ["I don't know", "It isn’t", "no way", "Cannot say", "dont", "не хочу", "Никто не пришёл", "Без слов"],
            ["note", "I want tea", "the knot", "Небо", "нетто", "безумно рад", "ant"],
        ),
        (
            "profanity",
            ["what the fuck", "Bullshit!", "an asshole", "пиздец", "НАХУЙ", "Бля, опять", "заебали", "это жопа"],
            ["a classic", "pass", "Essex", "ребёнок", "хлеб", "себе", "оскорблять", "употреблять", "небо", "команда"],
        ),
        ("emoji", ["great 😀", "nice :)", "ну да))", "❤", "sad :-("], ["one (two) three", "12:30", "a: b", "(да)"]),
        ("1 to 4 words", ["ok", "one two three four"], ["one two three four five"]),
        ("over 40 words", ["so " * 41], ["so " * 40]),
    ],
)
def test_rules_find_what_they_say(rule: str, those: list[str], others: list[str]) -> None:
    assert [text for text in those if not slices.RULES[rule](text)] == []
    assert [text for text in others if slices.RULES[rule](text)] == []


def test_every_text_has_one_length() -> None:
    lengths = [rule for name, rule in slices.RULES.items() if "words" in name]
    assert all(sum(rule("so " * count) for rule in lengths) == 1 for count in range(1, 200))


def test_own_sarcastic_texts_are_many_and_distinct() -> None:
    rows = slices.sarcastic()
    assert rows.text.is_unique
    assert rows.lang.value_counts().to_dict() == {"en": 20, "ru": 20}
    assert [language(text) for text in rows.text] == rows.lang.tolist()


def test_counterfactual_sentences_differ_only_in_the_term() -> None:
    assert set(counterfactual.TERMS) == {
        (lang, kind) for lang in ("en", "ru") for kind in ("gender", "names", "groups")
    }
    for (lang, _), sets in counterfactual.TERMS.items():
        for terms in sets:
            assert len(terms) == len(set(terms)) > 1
            assert all(term.count("|") == (2 if lang == "ru" else 0) for term in terms)
        for sentence, term in itertools.product(counterfactual.SENTENCES[lang], itertools.chain(*sets)):
            text, before, after = counterfactual.fill(sentence, term), *sentence.replace("}", "{").split("{")[::2]
            assert text.startswith(before)
            assert text.endswith(after)
            assert text[len(before) : len(text) - len(after)] in term.split("|")
            assert language(text) == lang


def save(folder: Path, source: str, rows: list[tuple[str, str]], lang: str) -> None:
    table = pd.DataFrame(rows, columns=["text", "label"]).assign(lang=lang, source=source, domain="chat")
    table.to_csv(folder / f"{source}.test.csv.gz", index=False)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Two test files and what was heard of three sentences, one of them not at all."""
    folder = tmp_path / "texts"
    folder.mkdir()
    save(
        folder, "meld", [("I love it!", "positive"), ("No, I hate this.", "negative"), ("At six.", "neutral")] * 3, "en"
    )
    save(
        folder,
        "cedr",
        [("Мне грустно.", "negative"), ("Я так рада 😀", "positive"), ("Поезд в шесть.", "neutral")],
        "ru",
    )
    with (folder / "en.dev.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang", "source", "transcript", "wer"])
        writer.writerow(["I love it!", 2, "en", "meld", "I love it", 0])
        writer.writerow(["No, I hate this.", 0, "en", "meld", "Know I had this", 0.75])
        writer.writerow(["At six.", 1, "en", "meld", "", 1])
    return folder


def test_evaluate_writes_figures_plots_and_card(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = model(tmp_path / "model", temperature=1.5, hard_to_say_below=0.5), tmp_path / "out"
    outcome = {"calibration_error_before": 0.05, "calibration_error": 0.02, "coverage": 85.0, "accuracy": 75.0}
    known = {**TRAINING, "calibration": {"rows": 10, "wanted": 80, **outcome, "accuracy_said": 80, "accuracy_hard": 50}}
    (folder / "training.json").write_text(json.dumps(known))
    monkeypatch.setattr(evaluate, "families", lambda: counterfactual.families()[::25])
    metrics.record("bag of words", {"meld": {"weighted_f1": 50.0}}, out / "model" / "metrics.json")
    command = f"evaluate --data {texts} --model {folder} --tests meld cedr --spoken {texts} --out {out} --threads 1"
    monkeypatch.setattr(sys, "argv", command.split())
    evaluate.main()

    found = metrics.load(out / "model" / "metrics.json")
    assert found["systems"]["voxmood-1"]["meld"]["rows"] == 9
    assert found["systems"]["bag of words"] == {"meld": {"weighted_f1": 50.0}}
    assert np.array(found["confusion"]["cedr"]).sum(axis=1).tolist() == [1, 1, 1]
    assert {name: own["rows"] for name, own in found["languages"].items()} == {"all": 12, "en": 9, "ru": 3}
    assert found["calibration"]["temperature"] == 1.5
    assert {"all", "en", "ru"} <= set(found["calibration"])
    assert found["slices"]["negation"]["en"]["rows"] == 3
    assert found["slices"]["emoji"]["all"]["rows"] == 1
    assert found["slices"]["sarcasm"]["ru"]["rows"] == 20
    assert all(0 <= own["mean"] <= own["largest"] <= 2 for own in found["counterfactual"].values())
    assert found["spoken"]["en"]["transcript_accuracy"] <= 66.7, "what was not heard is a miss"
    assert {name: own["rows"] for name, own in found["spoken"]["by_word_error_rate"].items()} == {"0": 1, "over 50%": 2}
    for name in ("confusion.svg", "reliability.svg"):
        assert 2_000 < (out / "figures" / name).stat().st_size < 100_000
    assert (out / "MODEL_CARD.md").read_text() == card.text(found)
    assert "| meld | weighted f1 | 50.0 |" in capsys.readouterr().out


def test_a_folder_without_transcripts_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"holds no <lang>.dev.csv"):
        evaluate.heard(evaluate.Judge(str(model(tmp_path / "model")), 1), tmp_path)


def test_the_card_is_what_its_command_writes() -> None:
    assert (SENTIMENT / "MODEL_CARD.md").read_text() == card.text(metrics.load())


def test_the_shipped_model_is_calibrated() -> None:
    found = metrics.load()["calibration"]
    config = json.loads((metrics.MODEL / "config.json").read_text())
    assert (found["temperature"], found["hard_to_say_below"]) == (config["temperature"], config["hard_to_say_below"])
    assert max(found[name]["calibration_error"] for name in ("all", "en", "ru")) < 0.04
