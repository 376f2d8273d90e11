"""Fine-tune the base encoder to negative | neutral | positive.

    python -m training.train --data DIR --base runs/base --out runs/train     # 72 min on two cores
    python -m training.train ... --resume                                     # goes on from the last checkpoint

transformers' Trainer does the loop: AdamW, warm-up, linear decay, length bucketing, label smoothing, checkpoints
that hold optimiser, schedule and random state. `--base` may also be a model of the Hugging Face hub. The word
embeddings are frozen: they are half of the parameters, and a few ten thousand texts touch few of their rows.
Settings, seed and dev metrics are saved beside the model. Not done here: the test files, see evaluate.py.
"""

import dataclasses
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)

from training.data import LABELS, dev_set, training_set
from training.options import options


@dataclass(frozen=True)
class Settings:
    """Hyperparameters, each with its why."""

    data: Path
    base: str = "runs/base"
    out: Path = Path("runs/train")
    resume: bool = False
    seed: int = 1
    epochs: float = 2.0  # a third one gains less than it costs on two cores
    batch: int = 32
    tokens: int = 96  # reviews are longer, but their mood shows early; serving reads everything in windows
    rate: float = 1e-4  # small encoders want more than the 2e-5 of BERT-base
    head_rate: float = 4e-4  # the head starts at random
    smoothing: float = 0.05  # the labels are crowd-sourced: total confidence would be wrong
    plain_share: float = 0.2  # texts shown without case and punctuation, as some recognisers write
    dev_rows: int = 300  # of each source


class Texts(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised rows; a share of them stripped of case and punctuation."""

    def __init__(self, rows: pd.DataFrame, tokenizer: PreTrainedTokenizerBase, tokens: int, plain_share: float = 0):
        chance = random.Random(0)
        texts = [plain(text) if chance.random() < plain_share else text for text in rows.text]
        self.ids = tokenizer(texts, truncation=True, max_length=tokens)["input_ids"]
        self.labels = rows.label.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        ids = self.ids[index]
        return {"input_ids": ids, "labels": self.labels[index], "length": len(ids)}


def plain(text: str) -> str:
    """Lower case without punctuation; apostrophes and hyphens inside words stay. Empty results are not used."""
    return " ".join(re.sub(r"[^\w\s'-]", " ", text.lower()).split()) or text


def macro_f1(prediction: EvalPrediction) -> dict[str, float]:
    """Dev metrics from logits of shape (rows, 3)."""
    guesses = np.argmax(prediction.predictions, axis=1)
    labels = prediction.label_ids
    return {"macro_f1": f1_score(labels, guesses, average="macro"), "accuracy": float((guesses == labels).mean())}


def main() -> None:
    """Fine-tune, evaluate on dev, save."""
    settings = options(Settings)
    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(settings.base)
    names = dict(enumerate(LABELS))
    model = AutoModelForSequenceClassification.from_pretrained(
        settings.base, num_labels=len(LABELS), id2label=names, label2id={name: i for i, name in names.items()}
    )
    for weight in model.base_model.embeddings.parameters():
        weight.requires_grad = False
    encoder = list(model.base_model.encoder.parameters())
    known = {id(weight) for weight in encoder}
    head = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in known]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "lr": settings.rate}, {"params": head, "lr": settings.head_rate}], weight_decay=0.01
    )

    train = training_set(settings.data, settings.seed)
    dev = dev_set(settings.data, settings.dev_rows, settings.seed)
    print(f"{len(train):,} training rows, {len(dev):,} dev rows")
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "settings.json").write_text(json.dumps(dataclasses.asdict(settings), indent=1, default=str))
    arguments = TrainingArguments(
        output_dir=str(settings.out / "checkpoints"),
        seed=settings.seed,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=128,
        learning_rate=settings.rate,
        warmup_steps=100,
        label_smoothing_factor=settings.smoothing,
        use_cpu=not torch.cuda.is_available(),
        bf16=True,  # also on CPUs: 1.6 times faster where they have AVX512-BF16
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        logging_steps=50,
        eval_strategy="steps",
        eval_steps=500,
        save_steps=250,
        save_total_limit=2,
        report_to="none",
    )
    collate = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Texts(train, tokenizer, settings.tokens, settings.plain_share),
        eval_dataset=Texts(dev, tokenizer, settings.tokens),
        data_collator=lambda rows: collate([{k: v for k, v in row.items() if k != "length"} for row in rows]),
        compute_metrics=macro_f1,
        optimizers=(optimizer, None),
    )
    trainer.train(resume_from_checkpoint=settings.resume)
    metrics = trainer.evaluate()
    trainer.save_model(str(settings.out))
    tokenizer.save_pretrained(settings.out)
    (settings.out / "dev.json").write_text(json.dumps(metrics, indent=1))
    print(f"{settings.out}: dev macro-F1 {metrics['eval_macro_f1']:.3f}")


if __name__ == "__main__":
    main()
