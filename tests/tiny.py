"""Tokenizers of a few words, for checkpoints small enough to be made in a test."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SPECIAL = {
    "[PAD]": "pad_token",
    "[CLS]": "cls_token",
    "[SEP]": "sep_token",
    "[UNK]": "unk_token",
    "[MASK]": "mask_token",
}


def save_tokenizer(folder: Path, words: Sequence[str]) -> PreTrainedTokenizerFast:
    """A tokenizer whose pieces are whole words, BERT's special tokens before them; saved into a folder."""
    pieces = {word: number for number, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(pieces, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = {name: token for token, name in SPECIAL.items()}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    fast.save_pretrained(folder)
    return fast
