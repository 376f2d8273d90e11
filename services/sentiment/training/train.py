"""Fine-tune the base encoder to negative | neutral | positive.

    python -m training.train --data DIR --base runs/base --out runs/train     # 104 min on two busy cores
    python -m training.train ... --resume                                     # goes on from the last checkpoint

Every text is read twice in a batch, as it is written and as a recogniser might have heard it (spoken.py), and the two
readings are drawn together, so that recognition errors move the verdict less:

    loss = (CE(written) + CE(heard)) / 2 + pull * (KL(written || heard) + KL(heard || written)) / 2

R-Drop: Liang et al. 2021, arXiv:2106.14448, with noise in the words beside that of dropout; layer-wise rates: Howard
and Ruder 2018, arXiv:1801.06146. transformers' Trainer does the loop: AdamW, warm-up, linear decay, length bucketing,
checkpoints that hold optimiser, schedule and random state. `--base` may also be a model of the Hugging Face hub.
Settings, seed, dev metrics and curves are saved beside the model. Not done here: the test files, see evaluate.py.
"""

import dataclasses
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from sklearn.metrics import f1_score
from torch.nn.functional import cross_entropy, kl_div, log_softmax
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)

from training.data import LABELS, dev_set, training_set
from training.options import options
from training.spoken import as_heard

LAYER = re.compile(r"\.layers?\.(\d+)\.")  # how encoders of the hub number their layers


@dataclass(frozen=True)
class Settings:
    """Hyperparameters, each with its why."""

    data: Path
    base: str = "runs/base"
    out: Path = Path("runs/train")
    resume: bool = False
    seed: int = 1
    rows: int = 0  # 0: all; fewer for a quick look
    epochs: float = 1.0  # how often a source is shown: its weight in data.py
    batch: int = 32  # texts, each read twice
    accumulate: int = 1  # batches to a step, where memory is short
    tokens: int = 96  # reviews are longer, but their mood shows early; serving reads everything in windows
    warmup: float = 0.06  # of all steps
    rate: float = 1e-4  # of the last layer; small encoders want more than the 2e-5 of BERT-base
    decay: float = 0.95  # of the rate from a layer to the one below: what is general is below, and should stay
    head_rate: float = 4e-4  # the head starts at random
    frozen: bool = False  # leave the word embeddings as they are: half of the parameters
    smoothing: float = 0.05  # the labels are crowd-sourced: total confidence would be wrong
    heard: bool = True  # read every text a second time, as heard
    pull: float = 0.5  # how much the two readings are drawn together
    patience: int = 12  # evaluations without a better dev macro-F1 before it stops
    eval_steps: int = 200
    dev_rows: int = 300  # of each source


class Texts(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised rows: ids of the text, of the text as heard (if asked for), label."""

    def __init__(self, rows: pd.DataFrame, tokenizer: PreTrainedTokenizerBase, settings: Settings, heard: bool) -> None:
        def ids(texts: list[str]) -> list[list[int]]:
            return list(tokenizer(texts, truncation=True, max_length=settings.tokens)["input_ids"])

        self.written = ids(rows.text.tolist())
        self.labels = rows.label.tolist()
        self.heard: list[list[int]] = []
        if heard:
            chance = random.Random(settings.seed)
            self.heard = ids([as_heard(text, lang, chance) for text, lang in zip(rows.text, rows.lang, strict=True)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = {"input_ids": self.written[index], "labels": self.labels[index]}  # lengths are taken from input_ids
        return row | ({"heard": self.heard[index]} if self.heard else {})


class Collator:
    """Rows to tensors: first all written texts, then, if there are any, all heard ones, padded to one width."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids = [row[kind] for kind in ("input_ids", "heard") for row in rows if kind in row]
        batch = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        labels = torch.tensor([row["labels"] for row in rows])
        return {**batch, "labels": labels.repeat(len(ids) // len(rows))}


class PairTrainer(Trainer):
    """Trainer with the loss of this module's docstring."""

    def __init__(self, *, smoothing: float, pull: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smoothing, self.pull = smoothing, pull
        self.model_accepts_loss_kwargs = False  # our loss is a mean: Trainer divides it by the accumulated batches

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Loss of a batch of Collator, a scalar."""
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        logits = outputs.logits.float()
        loss = cross_entropy(logits, labels, label_smoothing=self.smoothing)
        if model.training and self.pull:
            written, heard = log_softmax(logits, dim=-1).chunk(2)
            apart = kl_div(written, heard, reduction="batchmean", log_target=True)
            apart = apart + kl_div(heard, written, reduction="batchmean", log_target=True)
            loss = loss + self.pull * apart / 2
        return (loss, outputs) if return_outputs else loss


def groups(model: PreTrainedModel, settings: Settings) -> Iterator[dict[str, Any]]:
    """Parameters with their rates: the head's own, then from the last layer down, the embeddings last.

    Biases and normalisations are not decayed, as Devlin et al. 2019 have it.
    """
    numbers = {name: LAYER.search(name) for name, _ in model.named_parameters()}
    depth = 1 + max(int(found[1]) for found in numbers.values() if found)
    by_rate: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        number = numbers[name]
        below = depth - 1 - int(number[1]) if number else depth
        head = not number and "embeddings" not in name
        rate = settings.head_rate if head else settings.rate * settings.decay**below
        if weight.requires_grad:
            by_rate.setdefault((rate, weight.dim() > 1), []).append(weight)
    for (rate, matrix), weights in by_rate.items():
        yield {"params": weights, "lr": rate, "weight_decay": 0.01 if matrix else 0.0}


def macro_f1(prediction: EvalPrediction) -> dict[str, float]:
    """Dev metrics from logits of shape (rows, 3)."""
    guesses = np.argmax(prediction.predictions, axis=1)
    labels = prediction.label_ids
    return {"macro_f1": f1_score(labels, guesses, average="macro"), "accuracy": float((guesses == labels).mean())}


def plot(history: list[dict[str, float]], path: Path) -> None:
    """Draw the curves of a run: training loss, dev loss, dev macro-F1 against steps."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, axes, label in (("loss", left, "train"), ("eval_loss", left, "dev"), ("eval_macro_f1", right, "dev")):
        points = [(entry["step"], entry[name]) for entry in history if name in entry]
        axes.plot(*zip(*points, strict=True), label=label) if points else None
    left.set(xlabel="step", ylabel="loss")
    right.set(xlabel="step", ylabel="macro-F1")
    left.legend()
    figure.savefig(path)


def main() -> None:
    """Fine-tune, evaluate on dev, save."""
    settings = options(Settings)
    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(settings.base)
    names = dict(enumerate(LABELS))
    model = AutoModelForSequenceClassification.from_pretrained(
        settings.base,
        num_labels=len(LABELS),
        id2label=names,
        label2id={name: i for i, name in names.items()},
        attention_probs_dropout_prob=0.0,  # dropout is slow on CPUs; that of the hidden states stays
        attn_implementation=None if torch.cuda.is_available() else "eager",  # 1.5 times as fast on a CPU in bf16
    )
    model.get_input_embeddings().requires_grad_(not settings.frozen)
    optimizer = torch.optim.AdamW(list(groups(model, settings)), fused=True)

    train = training_set(settings.data, settings.seed)
    train = train.head(settings.rows or len(train))
    dev = dev_set(settings.data, settings.dev_rows, settings.seed)
    print(f"{len(train):,} training rows, {len(dev):,} dev rows", flush=True)
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "settings.json").write_text(json.dumps(dataclasses.asdict(settings), indent=1, default=str))
    arguments = TrainingArguments(
        output_dir=str(settings.out / "checkpoints"),
        seed=settings.seed,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=128,
        gradient_accumulation_steps=settings.accumulate,
        warmup_steps=settings.warmup,
        use_cpu=not torch.cuda.is_available(),
        bf16=True,  # also on CPUs: 1.6 times faster where they have AVX512-BF16
        train_sampling_strategy="group_by_length",
        remove_unused_columns=False,
        label_names=["labels"],
        logging_steps=50,
        eval_strategy="steps",
        eval_steps=settings.eval_steps,
        save_steps=settings.eval_steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        report_to="none",
    )
    trainer = PairTrainer(
        smoothing=settings.smoothing,
        pull=settings.pull if settings.heard else 0,
        model=model,
        args=arguments,
        train_dataset=Texts(train, tokenizer, settings, settings.heard),
        eval_dataset=Texts(dev, tokenizer, settings, heard=False),
        data_collator=Collator(tokenizer),
        compute_metrics=macro_f1,
        callbacks=[EarlyStoppingCallback(settings.patience)],
        optimizers=(optimizer, None),
    )
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=settings.resume)
    metrics = trainer.evaluate() | {"seconds": round(time.monotonic() - began), "rows": len(train)}
    trainer.save_model(str(settings.out))
    tokenizer.save_pretrained(settings.out)
    (settings.out / "dev.json").write_text(json.dumps(metrics, indent=1))
    (settings.out / "history.json").write_text(json.dumps(trainer.state.log_history, indent=1))
    plot(trainer.state.log_history, settings.out / "curves.svg")
    print(f"{settings.out}: dev macro-F1 {metrics['eval_macro_f1']:.3f}")


if __name__ == "__main__":
    main()
