"""The rungs of the ladder do what ladder.md says, and the page shows what ladder.json holds."""

import csv
import gzip
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from training import baselines, contrast, data, ladder, metrics, networks, rungs, vectors

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WORDS = {
    "negative": ("awful", "broken", "late", "rude"),
    "neutral": ("at", "table", "six", "tuesday"),
    "positive": ("lovely", "kind", "great", "thanks"),
}


def texts(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of five words that tell their label, and two that do not."""
    chance = np.random.default_rng(seed)
    labels = [("negative", "neutral", "positive")[number % 3] for number in range(count)]
    return [(" ".join([*chance.choice(WORDS[label], 5), *chance.choice(list("xyz"), 2)]), label) for label in labels]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of every test source, and the page that the ladder is written into."""
    monkeypatch.setattr(data, "SOURCES", {name: data.SOURCES[name] for name in data.TESTS})
    for number, source in enumerate(data.TESTS):
        for split, count in (("train", 30), ("dev", 6), ("test", 6)):
            with gzip.open(tmp_path / f"{source}.{split}.csv.gz", "wt", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["text", "label", "lang", "source"])
                rows = texts(count, 100 * number + count + len(split))
                writer.writerows([text, label, "en", source] for text, label in rows)
    shutil.copy(DOCS / "ladder.md", tmp_path)
    return tmp_path


def climb(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> ladder.Entries:
    given = ["--data", str(folder), "--docs", str(folder), "--width", "8", "--epochs", "1", "--steps", "20", *arguments]
    monkeypatch.setattr(sys, "argv", ["baselines", *given])
    baselines.main()
    return ladder.load(folder)


@pytest.mark.parametrize("kind", ["first", "last", "mean", "max", "attention"])
def test_no_pool_sees_padding(kind: str) -> None:
    torch.manual_seed(0)
    pool = networks.Pool(kind, 4)
    tokens = torch.randn(1, 3, 4)
    padded = torch.cat([tokens, torch.full((1, 2, 4), 9.0)], dim=1)
    alone = pool(tokens, torch.tensor([[True, True, True]]))
    assert torch.allclose(pool(padded, torch.tensor([[True, True, True, False, False]])), alone, atol=1e-6)


@pytest.mark.parametrize(("body", "pool"), [(networks.Recurrent, "last"), (networks.Encoder, "mean")])
def test_a_text_is_read_alike_alone_and_beside_a_longer_one(body: type[networks.Words], pool: str) -> None:
    torch.manual_seed(0)
    table = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
    network = networks.Network(body(table), pool, 8, lambda texts: [])
    alone = network.read([[2, 3]])
    assert network.read([[2, 3], [4, 5, 6, 7, 8]])[0] == pytest.approx(alone[0], abs=1e-5)


def test_order_counts_for_the_gru_and_not_for_the_mean() -> None:
    torch.manual_seed(0)
    table = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
    mean, gru = (
        networks.Network(body(table), pool, 8, lambda texts: [])
        for body, pool in ((networks.Words, "mean"), (networks.Recurrent, "last"))
    )
    assert mean.read([[2, 3]]) == pytest.approx(mean.read([[3, 2]]))
    assert gru.read([[2, 3]]) != pytest.approx(gru.read([[3, 2]]), abs=1e-3)


def test_batches_hold_every_text_once_and_texts_of_like_length() -> None:
    lengths = np.random.default_rng(1).integers(1, 90, 500).tolist()
    found = list(networks.batches(lengths, 10, random.Random(1)))  # noqa: S311
    assert sorted(index for batch in found for index in batch) == list(range(500))
    assert np.mean([np.ptp([lengths[index] for index in batch]) for batch in found]) < 5


@pytest.mark.parametrize("learn", [vectors.word2vec, vectors.glove])
def test_words_that_share_contexts_lie_closer(learn: vectors.Learn) -> None:
    chance = np.random.default_rng(0)
    drinks, tools = ("tea", "coffee"), ("hammer", "saw")
    about = {drinks: ("cup", "hot", "drink", "milk"), tools: ("nail", "wood", "workshop", "steel")}
    corpus = []
    for _ in range(600):
        things, near = list(about.items())[chance.integers(2)]
        corpus.append(" ".join([*chance.choice(near, 2), chance.choice(things), *chance.choice(near, 2)]))
    vocabulary = vectors.Vocabulary(corpus)
    found = learn(vocabulary, vocabulary.encode(corpus), 16, 3, 20, 1)
    found /= np.linalg.norm(found, axis=1, keepdims=True) + 1e-9
    tea, coffee, hammer, saw = (found[vocabulary.ids[word]] for word in (*drinks, *tools))
    assert min(tea @ coffee, hammer @ saw) > max(tea @ hammer, tea @ saw, coffee @ hammer, coffee @ saw) + 0.1


def test_co_occurrences_count_by_distance() -> None:
    left, right, counts = vectors.near([[2, 3, 4], [2, 3]], 5, 2)
    found = {(int(i), int(j)): float(x) for i, j, x in zip(left, right, counts, strict=True)}
    assert found == {(2, 3): 2, (3, 2): 2, (3, 4): 1, (4, 3): 1, (2, 4): 0.5, (4, 2): 0.5}


def test_contrast_pairs_are_well_formed() -> None:
    pairs = contrast.pairs()
    both = [*pairs.negative, *pairs.positive]
    assert len(pairs) == 100
    assert len({data.key(text) for text in both}) == 200
    assert pairs.groupby(["phenomenon", "lang"]).size().tolist() == [5] * 20
    assert set(pairs.lang) == {"en", "ru"}
    cyrillic = pairs.negative.str.contains("[а-яё]") & pairs.positive.str.contains("[а-яё]")
    assert (cyrillic == (pairs.lang == "ru")).all()
    for row in pairs[pairs.phenomenon == "word order"].itertuples():
        assert sorted(data.key(str(row.negative)).split()) == sorted(data.key(str(row.positive)).split())


def test_a_pair_is_right_when_both_texts_are() -> None:
    probabilities = np.tile([0.4, 0.5, 0.1], (200, 1))
    assert contrast.judge(probabilities)["all"] == {"texts": 50, "pairs": 0}
    probabilities[100:150] = [0.1, 0.5, 0.4]  # the positive texts of the English pairs
    assert contrast.judge(probabilities)["en"] == {"texts": 100, "pairs": 100}
    assert contrast.judge(probabilities)["all"] == {"texts": 75, "pairs": 50}


def test_the_command_climbs_saves_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = climb(folder, monkeypatch, "--rungs", "sigmoids", "word2vec", "max")
    assert list(first) == ["sigmoids", "word2vec", "max", "voxmood-1"]
    assert ladder.mean(first["sigmoids"], "accuracy") > 90
    assert ladder.table(first) in (folder / "ladder.md").read_text()
    assert "contrast pairs" in (folder / "ladder.svg").read_text()

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(rungs, "sigmoids", fail)
    assert list(climb(folder, monkeypatch, "--rungs", "sigmoids", "bag"))[:2] == ["sigmoids", "bag"]
    with pytest.raises(AssertionError, match="trained again"):
        climb(folder, monkeypatch, "--rungs", "sigmoids", "--again")
    with pytest.raises(AssertionError, match="trained again"):
        climb(folder, monkeypatch, "--rungs", "sigmoids", "--rows", "50")
    with pytest.raises(SystemExit, match="no rung lstm"):
        climb(folder, monkeypatch, "--rungs", "lstm")


def test_page_shows_the_figures_of_the_file() -> None:
    entries, page = ladder.load(DOCS), (DOCS / "ladder.md").read_text()
    assert ladder.table(entries) in page
    assert ladder.contrast_table(entries) in page
    assert (DOCS / "ladder.svg").exists()


def test_rungs_of_the_file_are_comparable_and_the_shipped_model_ends_them() -> None:
    *trained, shipped = ladder.load(DOCS).items()
    assert len({json.dumps([entry["settings"][name] for name in rungs.COMMON]) for _, entry in trained}) <= 1
    name, entry = shipped
    assert name == rungs.Settings(data=DOCS).shipped
    for source, figures in metrics.load()["systems"][name].items():
        assert entry["tests"][source] == {each: figures[each] for each in ("accuracy", "macro_f1")}
