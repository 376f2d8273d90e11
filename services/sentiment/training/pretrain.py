"""Let the base encoder read our kinds of texts before it learns moods: masked language modelling, no labels.

    python -m training.pretrain --data DIR --base runs/base --out runs/pretrained     # 1 h on two cores
    python -m training.pretrain --data DIR --texts more.txt others.txt                # and lines of plain text
    python -m training.pretrain ... --resume                                          # from the last checkpoint
    python -m training.train --data DIR --base runs/pretrained

15 % of the tokens are to be guessed, anew in every epoch: 80 % of them hidden, 10 % replaced, 10 % as they are
(Devlin et al. 2019, "BERT", arXiv:1810.04805). Why on the texts of the task: Gururangan et al. 2020, "Don't Stop
Pretraining", arXiv:2004.10964. Read are all training files, those that train.py leaves out for their labels too, but
for what is for research only, and no text of a dev or test file. transformers' Trainer does the loop. Saves the
encoder without its language head, and in pretrain.json the loss on 1 % of the texts, held out, before and after.
Not done here: choosing pieces of the vocabulary, see base.py.
"""

import dataclasses
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.modeling_outputs import MaskedLMOutput

from training.data import RESEARCH_ONLY, held_out, key, read, splits
from training.options import options
from voxmood_sentiment.words import clean


@dataclass(frozen=True)
class Settings:
    """Hyperparameters, each with its why."""

    data: Path
    texts: list[Path] = field(default_factory=list)  # plain text, one a line
    base: str = "runs/base"
    out: Path = Path("runs/pretrained")
    resume: bool = False
    seed: int = 1
    epochs: float = 1.0
    max_steps: int = -1  # for a quick look; -1: all
    batch: int = 64  # more than when fine-tuning: only a seventh of the tokens teach anything
    tokens: int = 96  # as in train.py
    rate: float = 2e-4  # the head starts at random


class MaskedModel(BertForMaskedLM):
    """BertForMaskedLM that scores only the masked tokens: a seventh of the work of its largest matrix, and memory."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> MaskedLMOutput:
        """Mean cross entropy, in nats, of the tokens that labels (rows, tokens) name; -100: not to be guessed."""
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        asked = labels != -100
        loss = torch.nn.functional.cross_entropy(self.cls(hidden[asked]), labels[asked], reduction="sum")
        return MaskedLMOutput(loss=loss / max(1, int(asked.sum())))  # a tiny batch may ask for none


def unlabelled(folder: Path, files: Sequence[Path]) -> list[str]:
    """Every training text of the folder and every line of the files, each once, without dev and test texts."""
    used = [source for source, split in splits(folder) if split == "train" and source not in RESEARCH_ONLY]
    texts = [text for source in used for text in read(folder, source, "train").text]
    texts += [clean(line) for file in files for line in file.read_text().splitlines()]
    found = {key(text): text for text in texts if text}
    hidden = held_out(folder)
    return [text for name, text in found.items() if name not in hidden]


def open_model(base: str, tokenizer: PreTrainedTokenizerBase, ids: Sequence[Sequence[int]]) -> MaskedModel:
    """The encoder with a new language head.

    The head's matrix is that of the word embeddings. Both stay as they are: pieces that these texts lack would only
    ever be pushed away. Its bias starts at the logarithms of the pieces' frequencies in `ids`: from zero, the first
    steps would only learn which pieces are frequent, and bend the encoder for it.
    """
    model: MaskedModel = MaskedModel.from_pretrained(base)
    counts = np.bincount(np.concatenate([np.asarray(row) for row in ids]), minlength=model.config.vocab_size)
    counts[tokenizer.all_special_ids] = 0
    frequencies = (counts + 1) / (counts + 1).sum()
    model.cls.predictions.bias.data = torch.tensor(np.log(frequencies), dtype=torch.float32)
    model.get_input_embeddings().requires_grad_(False)
    return model


def masked_loss(trainer: Trainer, seed: int) -> float:
    """Loss on the held-out texts, under the same masks whenever it is asked for."""
    set_seed(seed)
    return float(trainer.evaluate()["eval_loss"])


def main() -> None:
    """Pre-train, measure before and after, save."""
    settings = options(Settings)
    texts = unlabelled(settings.data, settings.texts)
    random.Random(settings.seed).shuffle(texts)
    tokenizer = AutoTokenizer.from_pretrained(settings.base)
    ids = tokenizer(texts, truncation=True, max_length=settings.tokens)["input_ids"]
    aside = max(1, len(ids) // 100)
    dev, train = ([{"input_ids": row} for row in part] for part in (ids[:aside], ids[aside:]))
    print(f"{len(train):,} texts, {len(dev):,} held out")
    set_seed(settings.seed)
    model = open_model(settings.base, tokenizer, ids[aside:])
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(settings.out / "checkpoints"),
            seed=settings.seed,
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps,
            per_device_train_batch_size=settings.batch,
            per_device_eval_batch_size=settings.batch,
            learning_rate=settings.rate,
            warmup_steps=0.05,  # of all steps
            use_cpu=not torch.cuda.is_available(),
            bf16=True,  # also on CPUs, see train.py
            train_sampling_strategy="group_by_length",
            prediction_loss_only=True,
            logging_steps=50,
            save_steps=250,
            save_total_limit=2,
            report_to="none",
        ),
        train_dataset=train,
        eval_dataset=dev,
        data_collator=DataCollatorForLanguageModeling(tokenizer),
    )
    before = masked_loss(trainer, settings.seed)
    trainer.train(resume_from_checkpoint=settings.resume)
    after = masked_loss(trainer, settings.seed)
    model.bert.save_pretrained(settings.out)
    tokenizer.save_pretrained(settings.out)
    facts = {
        "settings": dataclasses.asdict(settings),
        "texts": len(train),
        "held_out": len(dev),
        "loss": {"before": round(before, 4), "after": round(after, 4)},  # nats a masked token
        "perplexity": {"before": round(math.exp(before), 1), "after": round(math.exp(after), 1)},
    }
    (settings.out / "pretrain.json").write_text(json.dumps(facts, indent=1, default=str) + "\n")
    print(f"{settings.out}: masked loss {before:.3f} -> {after:.3f} nats a token")


if __name__ == "__main__":
    main()
