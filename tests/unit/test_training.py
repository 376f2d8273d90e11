"""The training texts are drawn and cleaned as they should be, and the shipped model is better than a bag of words."""

import csv
import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import jiwer
import numpy as np
import pandas as pd
import pytest
from training import data, metrics, spoken

from voxmood_sentiment.words import clean

Rows = list[tuple[str, str]]


def source(rows: int, **more: Any) -> data.Source:
    return data.Source(rows, "en", "ours", "notes", "for tests", **more)


def write(folder: Path, source: str, split: str, rows: Rows) -> None:
    with gzip.open(folder / f"{source}.{split}.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang", "source", "domain"])
        writer.writerows([text, label, "en", source, "chat"] for text, label in rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sources: one shown 10 times, which is more than it has, and one of which 3 rows are shown."""
    monkeypatch.setattr(data, "SOURCES", {"calls": source(10), "notes": source(3)})
    monkeypatch.setattr(data, "TESTS", ("calls",))
    monkeypatch.setattr(data, "OWN", tmp_path)
    calls = [("The lift is broken again", "negative"), ("See you at six", "neutral"), ("NA", "neutral")]
    write(tmp_path, "calls", "train", [*calls, ("Lovely weather!", "positive"), ("👍", "positive"), ("👎", "negative")])
    write(tmp_path, "calls", "dev", [("see you, at SIX...", "neutral")])
    write(tmp_path, "calls", "test", [("Nobody told me", "negative")])
    notes = [("nobody told me!!", "negative"), ("the lift is  broken again", "negative")]
    write(tmp_path, "notes", "train", notes + [(f"note number {number}", "neutral") for number in range(9)])
    write(tmp_path, "notes", "dev", [("lovely WEATHER", "positive")])
    return tmp_path


def test_no_dev_or_test_text_of_any_source_is_trained_on(folder: Path) -> None:
    keys = set(data.training_set(folder, seed=1).text.map(data.key))
    held_out = {"see you at six", "nobody told me", "lovely weather"}
    assert not keys & held_out
    assert {"the lift is broken again", "na", "👍", "👎"} <= keys


def test_a_source_is_shown_as_often_as_its_weight_says(folder: Path) -> None:
    rows = data.training_set(folder, seed=1)
    calls, notes = rows[rows.source == "calls"], rows[rows.source == "notes"]
    assert len(calls) == 10
    assert set(calls.text.value_counts()) == {2, 3}  # four texts are left
    assert len(notes) == 3
    assert notes.text.is_unique


def test_a_text_of_two_sources_counts_for_the_first(folder: Path) -> None:
    rows = data.training_set(folder, seed=1)
    assert set(rows[rows.text.map(data.key) == "the lift is broken again"].source) == {"calls"}


def test_the_same_seed_draws_the_same_rows(folder: Path) -> None:
    first, again, other = (data.training_set(folder, seed).text.tolist() for seed in (1, 1, 5))
    assert first == again != other


def test_texts_are_cleaned_as_when_serving(folder: Path) -> None:
    write(folder, "calls", "test", [("ask  @anna_k\tor https://example.org/a?b e\u0301", "neutral")])
    assert data.read(folder, "calls", "test").text.tolist() == ["ask @user or http \u00e9"]
    assert clean("mail me@example.org") == "mail me@example.org"


def test_missing_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"goemotions.train.csv.gz is missing: --data"):
        data.read(tmp_path, "goemotions", "train")


TABLE = pd.DataFrame({"text": ["Late again", "On my way"], "label": ["negative", "neutral"], "lang": "en"})


@pytest.mark.parametrize(
    ("form", "store"),
    [
        ("csv", lambda path: TABLE.to_csv(path, index=False)),
        ("parquet", TABLE.to_parquet),
        ("parquet", TABLE.rename(columns={"text": "sentence", "label": "sentiment"}).to_parquet),
    ],
)
def test_forms_of_files(tmp_path: Path, form: str, store: Callable[[Path], object]) -> None:
    store(tmp_path / f"calls.train.{form}")
    rows = data.read(tmp_path, "calls", "train")
    assert rows[["text", "label"]].values.tolist() == [["Late again", 0], ["On my way", 1]]


def test_fasttext_labels_mean_what_the_source_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanings = {"__label__1": "negative", "__label__2": "positive"}
    monkeypatch.setitem(data.SOURCES, "reviews", source(9, labels=meanings))
    (folder / "reviews.train.ft.txt").write_text('__label__1 Late "again", of course\n__label__2 On time\n')
    rows = data.read(folder, "reviews", "train")
    assert rows.values.tolist() == [['Late "again", of course', 0, "en", "reviews"], ["On time", 2, "en", "reviews"]]
    assert "On time" in set(data.training_set(folder, seed=1).text)


def test_a_set_of_the_hub_is_read_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` reads a folder as it reads the hub: class labels are numbers with names."""
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    here = datasets.Dataset.from_dict({"text": ["Late again", "On time"], "label": [0, 1]}, features=features)
    here.to_parquet(tmp_path / "hub" / "validation.parquet")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setitem(data.SOURCES, "reviews", source(9, hub=str(tmp_path / "hub")))
    assert data.read(tmp_path, "reviews", "dev").label.tolist() == [0, 2]


def test_a_hub_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(data.SOURCES, "reviews", source(9, hub=str(tmp_path / "nowhere")))
    with pytest.raises(SystemExit, match=r"reviews.dev.csv.gz is missing and .*nowhere is not to be had from the hub"):
        data.read(tmp_path, "reviews", "dev")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text": ["a"], "label": ["LABEL_0"]}, "'LABEL_0' is no known label; give its meaning in SOURCES"),
        ({"body": ["a"], "label": ["neutral"]}, "none of the columns text, content, sentence, review: it has body"),
    ],
)
def test_files_that_cannot_be_understood_are_told(tmp_path: Path, columns: dict[str, list[str]], said: str) -> None:
    pd.DataFrame(columns).to_csv(tmp_path / "calls.train.csv", index=False)
    with pytest.raises(SystemExit, match=said):
        data.read(tmp_path, "calls", "train")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_heard_texts_are_like_the_written_ones(lang: str) -> None:
    text = {
        "en": "I waited for you at the station, and nobody came to meet me all evening.",
        "ru": "Я ждала тебя на вокзале, и никто не пришёл меня встретить за весь вечер.",
    }[lang]
    chance = random.Random(1)  # noqa: S311
    heard = [spoken.as_heard(text, lang, chance) for _ in range(300)]
    rates = [jiwer.wer(data.key(text), data.key(variant)) for variant in heard]
    assert 0.03 < np.mean(rates) < 0.45
    assert min(rates) == 0
    plain = [variant for variant in heard if variant == spoken.plain(variant)]
    assert 0.2 < len(plain) / len(heard) < 0.5
    assert spoken.as_heard("Nos vemos, ¿vale?", "es", chance) == "nos vemos vale"


@pytest.mark.parametrize(
    ("text", "lang"), [("I did not like it, and I won't come", "en"), ("Мне это не нравится, больше никогда", "ru")]
)
def test_negations_are_always_heard(text: str, lang: str) -> None:
    chance = random.Random(1)  # noqa: S311
    for _ in range(300):
        heard = spoken.as_heard(text, lang, chance).lower()
        assert all(word in heard for word in (("not", "won't") if lang == "en" else ("не", "никогда")))


@pytest.mark.parametrize("text", ["", "👍", "...", "no", "10:45"])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_nothing_is_heard_as_nothing(text: str, lang: str) -> None:
    chance = random.Random(1)  # noqa: S311
    assert all(spoken.as_heard(text, lang, chance) or not text for _ in range(200))


def test_reviews_without_neutral_are_judged_on_two_classes() -> None:
    probabilities = np.array([[0.2, 0.7, 0.1], [0.1, 0.8, 0.1001]])
    assert metrics.figures("amazon_polarity", np.array([0, 2]), probabilities)["accuracy"] == 100
    assert metrics.figures("sst5", np.array([0, 2]), probabilities)["accuracy"] == 0


def test_figures_of_several_systems_stand_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    metrics.record("one", {"cedr": {"macro_f1": 80.1}}, path)
    metrics.record("two", {"cedr": {"macro_f1": 85.2}}, path)
    metrics.record("one", {"cedr": {"macro_f1": 81.0}}, path)
    assert "| cedr | macro f1 | 81.0 | 85.2 |" in metrics.table(path)


def test_shipped_model_beats_the_bag_of_words_everywhere() -> None:
    systems = metrics.load()["systems"]
    for source, figure in metrics.USUAL.items():
        assert systems["voxmood-1"][source][figure] > systems["bag of words"][source][figure] + 1


def test_shipped_model_is_small_enough_for_a_repository() -> None:
    files = {file.name: file.stat().st_size for file in metrics.METRICS.parent.iterdir()}
    assert {"model.onnx", "tokenizer.json", "config.json"} <= set(files)
    assert sum(files.values()) < 50_000_000
