"""Fine-tuning as a command: what it leaves, that it goes on exactly, and how the two readings of a text are used."""

import csv
import gzip
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from training import data, train
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel, DistilBertConfig
from transformers import DistilBertForSequenceClassification as DistilBert

from tests.tiny import save_tokenizer

MOODS = {"negative": "bad awful sad", "neutral": "train noon door", "positive": "good lovely glad"}
WORDS = " ".join(MOODS.values()).split()
SIZE: dict[str, Any] = {"num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 16}


def write(folder: Path, split: str, start: int, count: int) -> None:
    with gzip.open(folder / f"calls.{split}.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang", "source"])
        for number in range(start, start + count):
            mood = list(MOODS)[number % 3]
            words = MOODS[mood].split()
            writer.writerow([f"{words[number % 2]} {words[1 + number % 2]} {number}", mood, "en", "calls"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One source whose words give the mood away, and a tiny base."""
    monkeypatch.setattr(data, "SOURCES", {"calls": data.Source(96, "en", "ours", "notes", "for tests")})
    monkeypatch.setattr(data, "TESTS", ("calls",))
    monkeypatch.setattr(data, "OWN", tmp_path)
    for split, start, count in (("train", 0, 90), ("dev", 100, 30)):
        write(tmp_path, split, start, count)
    tokenizer = save_tokenizer(tmp_path / "base", WORDS)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, **SIZE)
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    return tmp_path


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, out: str, *arguments: str) -> dict[str, torch.Tensor]:
    common = ["--data", folder, "--base", folder / "base", "--out", folder / out, "--batch", 8, "--rate", 0.003]
    monkeypatch.setattr(sys, "argv", ["train", *map(str, common), "--eval_steps", "6", *arguments])
    train.main()
    return dict(AutoModelForSequenceClassification.from_pretrained(folder / out).state_dict())


def test_moods_are_learned_and_everything_is_saved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, monkeypatch, "out", "--epochs", "4", "--patience", "8")
    found = json.loads((folder / "out" / "dev.json").read_text())
    assert found["eval_macro_f1"] > 0.9
    assert found["rows"] == 96
    settings = json.loads((folder / "out" / "settings.json").read_text())
    assert settings["seed"] == 1
    assert "<svg" in (folder / "out" / "curves.svg").read_text()
    assert any("eval_macro_f1" in entry for entry in json.loads((folder / "out" / "history.json").read_text()))
    assert AutoModelForSequenceClassification.from_pretrained(folder / "out").config.id2label[0] == "negative"


def test_a_run_that_was_stopped_goes_on_exactly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(folder, monkeypatch, "out", "--epochs", "1")
    checkpoints = folder / "out" / "checkpoints"
    assert {path.name for path in checkpoints.iterdir()} == {"checkpoint-6", "checkpoint-12"}
    shutil.rmtree(checkpoints / "checkpoint-12")
    resumed = run(folder, monkeypatch, "out", "--epochs", "1", "--resume")
    assert all(torch.equal(weight, resumed[name]) for name, weight in whole.items())


def test_it_stops_early_when_dev_gets_no_better(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, monkeypatch, "out", "--epochs", "20", "--patience", "2")
    history = json.loads((folder / "out" / "history.json").read_text())
    assert max(entry["step"] for entry in history) < 20 * 12


def test_frozen_embeddings_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "bert.embeddings.word_embeddings.weight"
    before = dict(BertModel.from_pretrained(folder / "base").state_dict())[name.removeprefix("bert.")]
    assert torch.equal(run(folder, monkeypatch, "frozen", "--frozen", "True")[name], before)
    assert not torch.equal(run(folder, monkeypatch, "free")[name], before)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_lower_layers_learn_more_slowly_in_any_encoder(kind: str, folder: Path) -> None:
    if kind == "bert":
        model: Any = AutoModelForSequenceClassification.from_pretrained(folder / "base", num_labels=3)
    else:
        model = DistilBert(DistilBertConfig(vocab_size=9, dim=16, hidden_dim=16, n_layers=2, n_heads=2))
    settings = train.Settings(data=folder, rate=1.0, decay=0.5, head_rate=7.0)
    rates = {id(weight): group["lr"] for group in train.groups(model, settings) for weight in group["params"]}
    found = {name: rates[id(weight)] for name, weight in model.named_parameters()}
    assert {rate for name, rate in found.items() if ".layer.1." in name} == {1.0}
    assert {rate for name, rate in found.items() if ".layer.0." in name} == {0.5}
    assert {rate for name, rate in found.items() if "embeddings" in name} == {0.25}
    assert {rate for name, rate in found.items() if "classifier" in name} == {7.0}


def test_two_readings_of_a_text_are_drawn_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = save_tokenizer(folder / "base", WORDS)
    rows = [
        {"input_ids": [1, 5, 2], "heard": [1, 6, 5, 2], "labels": 0},
        {"input_ids": [1, 2], "heard": [1, 2], "labels": 2},
    ]
    batch = train.Collator(tokenizer)(rows)
    assert batch["input_ids"].tolist() == [[1, 5, 2, 0], [1, 2, 0, 0], [1, 6, 5, 2], [1, 2, 0, 0]]
    assert batch["labels"].tolist() == [0, 2, 0, 2]

    trainer: Any = SimpleNamespace(smoothing=0.0, pull=1.0)
    entropy = torch.nn.functional.cross_entropy

    def loss(logits: list[list[float]]) -> float:
        model = torch.nn.Identity().train()
        monkeypatch.setattr(model, "forward", lambda **_: SimpleNamespace(logits=torch.tensor(logits)))
        return float(train.PairTrainer.compute_loss(trainer, model, dict(batch)))

    alike, other, flat = [3.0, 0.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]
    expected = entropy(torch.tensor([alike, other]), torch.tensor([0, 2])).item()
    assert loss([alike, other, alike, other]) == pytest.approx(expected, abs=1e-6)
    p = torch.tensor(alike).softmax(0)
    apart = ((p - 1 / 3) * (p.log() - torch.tensor(1 / 3).log())).sum().item()  # KL both ways, for one of two texts
    mixed = torch.nn.functional.cross_entropy(
        torch.tensor([alike, other, flat, other]), torch.tensor([0, 2, 0, 2])
    ).item()
    assert loss([alike, other, flat, other]) == pytest.approx(mixed + apart / 2 / 2, abs=1e-5)
