"""Any transformers checkpoint can take the place of the shipped model: tiny ones, made here, stand for them."""

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from tests.tiny import SPECIAL, save_tokenizer
from voxmood_sentiment.app import create_app
from voxmood_sentiment.classifier import open_classifier
from voxmood_sentiment.errors import ModelError, UnknownLabels
from voxmood_sentiment.scoring import Scorer
from voxmood_sentiment.settings import Settings

WORDS = ["the", "soup", "was", "cold", "and", "good", "."]
SIZE: dict[str, Any] = {
    "vocab_size": len(SPECIAL) + len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
STARS = {number: f"{number + 1} stars" for number in range(5)}


def save_bert(folder: Path, labels: dict[int, str]) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(max_position_embeddings=16, id2label=labels, initializer_range=1.0, **SIZE)
    model = BertForSequenceClassification(config)
    model.eval()
    model.save_pretrained(folder)
    return model


async def ask(folder: Path, path: str, body: dict[str, Any]) -> Any:
    app, loading = create_app(Settings(sentiment_model=str(folder)))
    await loading.run()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sentiment") as client:
        response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_stars_become_verdicts(tmp_path: Path) -> None:
    tokenizer, model = save_tokenizer(tmp_path, WORDS), save_bert(tmp_path, STARS)
    text = "the soup was cold ."
    with torch.inference_mode():
        stars = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()

    answer = await ask(tmp_path, "/classify", {"texts": [text, "the soup"]})
    assert answer["model"] == tmp_path.name
    scores = answer["results"][0]["scores"]
    assert scores["negative"] == pytest.approx(stars[0] + stars[1], abs=1e-4)
    assert scores["neutral"] == pytest.approx(stars[2], abs=1e-4)
    assert scores["positive"] == pytest.approx(stars[3] + stars[4], abs=1e-4)

    predictions = await ask(tmp_path, "/predict", {"inputs": text})
    expected = {STARS[number]: pytest.approx(star, abs=1e-4) for number, star in enumerate(stars)}
    assert {each["label"]: each["score"] for each in predictions} == expected


async def test_long_text_is_read_in_windows_of_the_models_own_length(tmp_path: Path) -> None:
    save_tokenizer(tmp_path, WORDS)
    save_bert(tmp_path, STARS)
    texts = ["the soup was cold . " * 9, "the soup was cold . " * 9 + "good " * 30]
    short, long = (await ask(tmp_path, "/classify", {"texts": texts}))["results"]
    assert short["windows"] == 5  # of 45 tokens: two sentences a window, 12 tokens with the special ones
    assert long["windows"] == 8
    assert long["scores"] != short["scores"]


async def test_words_are_weighed_by_leaving_them_out(tmp_path: Path) -> None:
    save_tokenizer(tmp_path, WORDS)
    save_bert(tmp_path, STARS)
    text = "the soup was cold, and good."
    (result,) = (await ask(tmp_path, "/classify", {"texts": [text], "explain": True}))["results"]
    assert [word["text"] for word in result["words"]] == ["the", "soup", "was", "cold", "and", "good"]
    variants = [text[: word["start"]] + text[word["end"] :] for word in result["words"]]
    without = (await ask(tmp_path, "/classify", {"texts": variants}))["results"]
    losses = [result["confidence"] - each["scores"][result["verdict"]] for each in without]
    assert [word["weight"] for word in result["words"]] == pytest.approx(losses, abs=2e-4)
    assert max(map(abs, losses)) > 0.01


async def test_positions_of_roberta_begin_after_its_padding(tmp_path: Path) -> None:
    save_tokenizer(tmp_path, WORDS)
    config = RobertaConfig(
        max_position_embeddings=18,
        pad_token_id=0,
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        **SIZE,
    )
    RobertaForSequenceClassification(config).save_pretrained(tmp_path)
    (result,) = (await ask(tmp_path, "/classify", {"texts": ["good " * 40]}))["results"]
    assert result["windows"] == 3
    assert result["scores"]["neutral"] == 0


def test_labels_without_meaning_are_refused(tmp_path: Path) -> None:
    save_tokenizer(tmp_path, WORDS)
    save_bert(tmp_path, {0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(UnknownLabels, match="LABEL_0, LABEL_1"):
        Scorer(lambda: open_classifier(str(tmp_path), threads=0)).load()


def test_broken_checkpoint_is_named(tmp_path: Path) -> None:
    save_bert(tmp_path, STARS)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=str(tmp_path)):
        open_classifier(str(tmp_path), threads=0)


def test_broken_export_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=str(tmp_path)):
        open_classifier(str(tmp_path), threads=0)


def test_missing_torch_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_bert(tmp_path, STARS)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"pip install 'voxmood-sentiment\[torch\]'"):
        open_classifier(str(tmp_path), threads=0)
