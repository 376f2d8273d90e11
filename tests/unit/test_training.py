"""The training texts are what the model card says they are, and the card quotes the measured figures."""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

SENTIMENT = Path(__file__).resolve().parents[2] / "services" / "sentiment"
sys.path.insert(0, str(SENTIMENT))  # the training commands are run from there: they are no installed package

from training import data, metrics  # noqa: E402

from voxmood_sentiment.words import clean  # noqa: E402

CARD = (SENTIMENT / "MODEL_CARD.md").read_text()
Rows = list[tuple[str, str]]


def write(folder: Path, source: str, split: str, rows: Rows) -> None:
    with gzip.open(folder / f"{source}.{split}.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang", "source", "domain"])
        writer.writerows([text, label, "en", source, "chat"] for text, label in rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sources, capped at 50 and 3 rows."""
    monkeypatch.setattr(data, "SOURCES", {"calls": (50, ""), "notes": (3, "")})
    monkeypatch.setattr(data, "TESTS", ("calls",))
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


def test_sources_are_capped_and_duplicates_removed(folder: Path) -> None:
    rows = data.training_set(folder, seed=1)
    assert rows.text.map(data.key).is_unique
    assert (rows.source == "notes").sum() <= 3
    assert set(rows.label) <= {0, 1, 2}


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


def test_card_quotes_the_measured_figures() -> None:
    assert metrics.table() in CARD


def test_card_names_every_source_with_the_rows_used() -> None:
    for source, (rows, _) in data.SOURCES.items():
        assert f"| {source} | {rows:,} |" in CARD


def test_shipped_model_beats_the_bag_of_words_everywhere() -> None:
    systems = json.loads(metrics.METRICS.read_text())
    for source, figure in metrics.USUAL.items():
        assert systems["voxmood-1"][source][figure] > systems["bag of words"][source][figure] + 1


def test_shipped_model_is_small_enough_for_a_repository() -> None:
    files = {file.name: file.stat().st_size for file in metrics.METRICS.parent.iterdir()}
    assert {"model.onnx", "tokenizer.json", "config.json"} <= set(files)
    assert sum(files.values()) < 50_000_000
