"""Our classification over HTTP against what a user would pick instead, at 1, 8 and 32 texts.

    PYTHONPATH=services/sentiment python -m bench.sentiment      # 5 min on two free cores

The others run inside this process, without HTTP, which is to their advantage. Their weights are random in the shape of
ours (or of BERT-base), since only their time is measured here: how far our verdicts agree with those of the float32
checkpoint is what training.export measures. Rounds are interleaved; figures are medians, ratios the medians of the
ratios round by round. Written to bench/sentiment.md and bench/sentiment.json.
"""

import asyncio
import csv
import json
import os
import random
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import torch
from rich.progress import track
from torch.ao.quantization import quantize_dynamic
from training.options import options
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast, pipeline

from bench import asr_machine
from tools.stack import running
from voxmood_sentiment.settings import SHIPPED

HERE = Path(__file__).parent
NOTEBOOK = 256  # tokens that every text is padded to
OURS = "Voxmood, over HTTP"

Judge = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    sizes: list[int] = field(default_factory=lambda: [1, 8, 32])  # texts at once
    rounds: int = 15
    threads: int = 2
    clients: int = 8  # that send one text each, at the same time
    seed: int = 1


def tokenizer() -> PreTrainedTokenizerFast:
    """Our tokenizer, as transformers has it."""
    return PreTrainedTokenizerFast(tokenizer_file=str(SHIPPED / "tokenizer.json"), pad_token="<pad>")  # noqa: S106


def ours_in_shape() -> PreTrainedModel:
    """A float32 model of our shape."""
    shape = json.loads((SHIPPED / "training.json").read_text())["model"]
    config = BertConfig(  # type: ignore[call-arg]  # num_labels goes to the base class
        vocab_size=shape["pieces"],
        hidden_size=shape["width"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["width"] // 32,
        intermediate_size=4 * shape["width"],
        num_labels=3,
    )
    model: PreTrainedModel = BertForSequenceClassification(config).eval()
    return model


def in_int8(model: PreTrainedModel) -> PreTrainedModel:
    """The model with its linear layers quantised by torch."""
    quantised: PreTrainedModel = quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
    return quantised


def piped(model: PreTrainedModel) -> Judge:
    """The pipeline of transformers."""
    judge = pipeline("text-classification", model=model, tokenizer=tokenizer(), device="cpu", top_k=None)
    return lambda texts: judge(list(texts), batch_size=len(texts))


def as_in_the_notebook() -> Judge:
    """BERT-base, every text padded to 256 tokens."""
    model, tokens = BertForSequenceClassification(BertConfig(vocab_size=60_000)).eval(), tokenizer()

    def judge(texts: Sequence[str]) -> object:
        padded = tokens(list(texts), padding="max_length", truncation=True, max_length=NOTEBOOK, return_tensors="pt")
        with torch.inference_mode():
            return model(input_ids=padded["input_ids"], attention_mask=padded["attention_mask"]).logits.softmax(-1)

    return judge


def at_once(url: str, texts: Sequence[str]) -> float:
    """Seconds until every text, each in a request of its own, has an answer."""

    async def send() -> float:
        async with httpx.AsyncClient(base_url=url) as client:
            await asyncio.gather(*(client.get("/livez") for _ in texts))  # connections
            began = time.perf_counter()
            answers = await asyncio.gather(*(client.post("/classify", json={"texts": [text]}) for text in texts))
            took = time.perf_counter() - began
            for answer in answers:
                answer.raise_for_status()
            return took

    return asyncio.run(send())


def measure(settings: Settings, judges: dict[str, Judge], url: str) -> dict[str, Any]:
    """Milliseconds of every judge for every size, round by round; and of our clients that come at the same time."""
    with (HERE / "texts.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    chance = random.Random(settings.seed)  # noqa: S311
    times: dict[str, dict[int, list[float]]] = {name: {size: [] for size in settings.sizes} for name in judges}
    together: list[float] = []
    for turn in track(range(settings.rounds + 1), description="rounds"):
        for size in settings.sizes:
            chosen = chance.sample(texts, size)
            for name in chance.sample(sorted(judges), len(judges)):
                began = time.perf_counter()
                judges[name](chosen)
                if turn:  # the first round warms up
                    times[name][size].append(1000 * (time.perf_counter() - began))
        together.append(1000 * at_once(url, chance.sample(texts, settings.clients)) / settings.clients)
    rows = {}
    for name in judges:
        rows[name] = {
            "ms": {size: round(median(times[name][size]), 1) for size in settings.sizes},
            "ratio": {
                size: round(median(map(truediv, times[name][size], times[OURS][size])), 2) for size in settings.sizes
            },
        }
    return {"rows": rows, "together_ms": round(median(together[1:]), 1)}


def report(figures: dict[str, Any], settings: Settings, machine: dict[str, Any]) -> str:
    """The table as Markdown, with what it takes to read it."""
    lines = [f"| | {' | '.join(f'{size} texts' for size in settings.sizes)} |".replace(" 1 texts", " 1 text")]
    lines.append(f"|---|{'---|' * len(settings.sizes)}")
    for name, row in figures["rows"].items():
        cells = [f"{row['ms'][size]} ms" if name == OURS else f"×{row['ratio'][size]}" for size in settings.sizes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    table = "\n".join(lines)
    return f"""# Classification, beside what a user would pick instead

Made by `python -m bench.sentiment`; the figures are in [sentiment.json](sentiment.json).

{table}

The first row in milliseconds for all texts together, the others in ratios to it: ×2 is twice as slow. Texts are those
of texts.csv, of one to four sentences. The others run without HTTP. What waits is read together: {settings.clients}
clients that send one text each at the same time have their answers after {figures["together_ms"]} ms a text.

{settings.rounds} interleaved rounds, {settings.threads} threads, seed {settings.seed}, on {machine["processor"]} with
{machine["cores"]} logical cores, {machine["system"]}, Python {machine["python"]}, torch {torch.__version__}.
"""


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    env = {"VOXMOOD_SENTIMENT_THREADS": str(settings.threads)}
    with Path(os.devnull).open("w") as log, running(env=env, log=log) as urls, httpx.Client() as http:

        def ours(texts: Sequence[str]) -> object:
            return http.post(f"{urls.sentiment}/classify", json={"texts": list(texts)}).raise_for_status().json()

        judges: dict[str, Judge] = {
            OURS: ours,
            "transformers pipeline, float32": piped(ours_in_shape()),
            "torch dynamic int8": piped(in_int8(ours_in_shape())),
            f"BERT-base, padded to {NOTEBOOK}, torch": as_in_the_notebook(),
        }
        figures = measure(settings, judges, urls.sentiment)
    text = report(figures, settings, asr_machine.machine())
    (HERE / "sentiment.json").write_text(json.dumps(figures, indent=1) + "\n")
    (HERE / "sentiment.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
