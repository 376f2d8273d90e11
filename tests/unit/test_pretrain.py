"""Pre-training on unlabelled texts: what is read, that something is learned, and that train.py can go on from it."""

import csv
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from training import data, pretrain
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel, PreTrainedTokenizerFast

from tests.tiny import save_tokenizer

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ECHOES = 2000  # a hundredth is held out


def write(folder: Path, name: str, texts: list[str]) -> None:
    with gzip.open(folder / f"{name}.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang", "source"])
        writer.writerows([text, "neutral", "en", name] for text in texts)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Texts of one word over and over, a file for research only, one that is held out, a tiny base."""
    monkeypatch.setattr(data, "OWN", tmp_path)
    echoes = [f"{number} {' '.join([WORDS[number % 10]] * 8)}" for number in range(ECHOES)]
    write(tmp_path, "echoes.train", [*echoes, "One, two!", "kept apart"])
    write(tmp_path, "echoes.dev", ["Kept apart."])
    write(tmp_path, "emocontext.train", ["for research only"])
    (tmp_path / "more.txt").write_text("three  two one\n\nONE TWO\nKEPT apart\n")

    tokenizer = save_tokenizer(tmp_path / "base", WORDS)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        initializer_range=0.2,  # the embeddings stay as they are: they must differ
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    return tmp_path


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    common = ["--data", folder, "--base", folder / "base", "--out", folder / "out", "--rate", 0.01, "--batch", 16]
    monkeypatch.setattr(sys, "argv", ["pretrain", *map(str, common), *arguments])
    pretrain.main()
    return json.loads((folder / "out" / "pretrain.json").read_text())


def test_every_training_text_is_read_once_and_no_other(folder: Path) -> None:
    texts = pretrain.unlabelled(folder, [folder / "more.txt"])
    assert len(texts) == ECHOES + 2
    assert "three two one" in texts
    assert not {"kept apart", "KEPT apart", "Kept apart.", "for research only"} & set(texts)


def test_the_head_starts_with_the_frequencies_of_the_pieces(folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "base")
    model = pretrain.open_model(str(folder / "base"), tokenizer, tokenizer(["one two", "one"])["input_ids"])
    decoder = model.cls.predictions.decoder
    bias = decoder.bias
    one, two, three, start = (bias[tokenizer.convert_tokens_to_ids(word)] for word in ("one", "two", "three", "[CLS]"))
    assert bias.exp().sum().item() == pytest.approx(1)
    assert (one - three).exp().item() == pytest.approx(3)  # seen twice and never, each counted once more
    assert (two - three).exp().item() == pytest.approx(2)
    assert start == three  # nobody is asked to guess it
    assert decoder.weight is model.get_input_embeddings().weight


def test_texts_are_learned_and_the_encoder_is_a_base_for_train(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(folder, monkeypatch, "--max_steps", "40")
    assert first["loss"]["after"] < first["loss"]["before"] - 0.3
    resumed = run(folder, monkeypatch, "--max_steps", "80", "--resume")
    state = json.loads((folder / "out" / "checkpoints" / "checkpoint-80" / "trainer_state.json").read_text())
    assert [entry["step"] for entry in state["log_history"] if "loss" in entry] == [50]
    assert resumed["loss"]["before"] == first["loss"]["before"]
    assert resumed["loss"]["after"] < first["loss"]["after"]

    missing = {}
    for name in ("base", "out"):
        auto = AutoModelForSequenceClassification
        _, report = auto.from_pretrained(folder / name, num_labels=3, output_loading_info=True)
        missing[name] = (report["missing_keys"], report["unexpected_keys"])
    assert missing["out"] == missing["base"]
    base, learned = (BertModel.from_pretrained(folder / name).state_dict() for name in ("base", "out"))
    assert torch.equal(base["embeddings.word_embeddings.weight"], learned["embeddings.word_embeddings.weight"])
    assert not torch.equal(base["encoder.layer.0.output.dense.weight"], learned["encoder.layer.0.output.dense.weight"])
    assert PreTrainedTokenizerFast.from_pretrained(folder / "out").mask_token_id == 4
