"""Rebuild the peers' weights out of our CTranslate2 model: the same numbers, in three other files.

    .venv-bench/bin/python -m bench.peers.weights        # 50 s on two busy cores; `make bench` does it

Into --to go `whisper.pt` for openai-whisper, `ggml.bin` for whisper.cpp (both fp16, as their publishers have them) and
`transformers/` for transformers. Ends with verify.py: the engines must agree about what they hear.
"""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor
from whisper.audio import mel_filters
from whisper.tokenizer import get_encoding

from bench.peers import ct2, ggml, verify
from bench.peers.engines import CHECKPOINT, FOLDER, GGML, Settings

HEAD_WIDTH = 64  # of every Whisper
HUGGING_FACE = (  # what openai-whisper calls it, what transformers calls it; in this order
    ("cross_attn_ln", "encoder_attn_layer_norm"),
    ("attn_ln", "self_attn_layer_norm"),
    ("mlp_ln", "final_layer_norm"),
    ("cross_attn.", "encoder_attn."),
    (".attn.", ".self_attn."),
    (".query.", ".q_proj."),
    (".key.", ".k_proj."),
    (".value.", ".v_proj."),
    (".out.", ".out_proj."),
    (".mlp.0.", ".fc1."),
    (".mlp.2.", ".fc2."),
    (".blocks.", ".layers."),
    ("encoder.ln_post", "encoder.layer_norm"),
    ("decoder.ln.", "decoder.layer_norm."),
    ("token_embedding.weight", "embed_tokens.weight"),
    ("positional_embedding", "embed_positions.weight"),
)


def write_checkpoint(path: Path, weights: ct2.Weights, dims: dict[str, int]) -> None:
    """openai-whisper's checkpoint."""
    state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
    torch.save({"dims": dims, "model_state_dict": state}, path)


def write_transformers(folder: Path, weights: ct2.Weights, dims: dict[str, int], model: Path) -> None:
    """A folder for `from_pretrained`; the tokenizer and the suppressed tokens are those of the folder `model`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({f"model.{hugging_face(name)}": value for name, value in weights.items()}, folder / "model.safetensors")
    shutil.copyfile(model / "tokenizer.json", folder / "tokenizer.json")
    own: dict[str, Any] = json.loads((model / "config.json").read_text())
    added = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    ids: dict[str, int] = {token["content"]: token["id"] for token in added}
    end = "<|endoftext|>"
    tokens: dict[str, Any] = {
        "bos_token_id": ids[end],
        "eos_token_id": ids[end],
        "pad_token_id": ids[end],
        "decoder_start_token_id": ids["<|startoftranscript|>"],
        "begin_suppress_tokens": own["suppress_ids_begin"],
    }
    width = dims["n_audio_state"]
    WhisperConfig(
        vocab_size=dims["n_vocab"],
        num_mel_bins=dims["n_mels"],
        d_model=width,
        encoder_layers=dims["n_audio_layer"],
        encoder_attention_heads=dims["n_audio_head"],
        encoder_ffn_dim=4 * width,
        decoder_layers=dims["n_text_layer"],
        decoder_attention_heads=dims["n_text_head"],
        decoder_ffn_dim=4 * width,
        max_source_positions=dims["n_audio_ctx"],
        max_target_positions=dims["n_text_ctx"],
        architectures=["WhisperForConditionalGeneration"],
        **tokens,
    ).save_pretrained(folder)
    GenerationConfig(
        **tokens,
        suppress_tokens=own["suppress_ids"],
        alignment_heads=own["alignment_heads"],
        lang_to_id={token: number for token, number in ids.items() if number in own["lang_ids"]},
        task_to_id={task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")},
        is_multilingual=True,
        task="transcribe",  # or the prompt has no task where the language is detected, and what follows is nonsense
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        max_initial_timestamp_index=50,
        max_length=dims["n_text_ctx"],
        return_timestamps=False,
    ).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=dims["n_mels"]).save_pretrained(folder)
    special = {f"{name}_token": end for name in ("bos", "eos", "pad", "unk")}
    about = {"tokenizer_class": "WhisperTokenizer", "additional_special_tokens": list(ids)[1:], **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1))


def hugging_face(name: str) -> str:
    """transformers' name of a weight, without its prefix `model.`."""
    for theirs, its in HUGGING_FACE:
        name = name.replace(theirs, its)
    return name


def write_ggml(path: Path, weights: ct2.Weights, dims: dict[str, int]) -> None:
    """whisper.cpp's file, with openai-whisper's mel filters and tokens."""
    encoding = get_encoding("multilingual")
    words = encoding.encode_single_token("<|endoftext|>")  # the special tokens, made up by the engine, come after
    tokens = [encoding.decode_single_token_bytes(number) for number in range(words)]
    ggml.write(path, weights, dims, mel_filters("cpu", dims["n_mels"]).numpy(), tokens)


def main() -> None:
    """Rebuild and compare; what is there already is only compared."""
    parser = ArgumentParser(description="Rebuild the peers' weights out of our CTranslate2 model.")
    parser.add_argument("--model", type=Path, default=Path("models/whisper-base"), help="folder in CTranslate2 form")
    parser.add_argument("--to", type=Path, default=Path("runs/bench/weights"), help="folder for the peers' weights")
    options = parser.parse_args()
    model: Path = options.model
    to: Path = options.to
    if not (to / GGML).exists():
        weights = ct2.openai_names(ct2.read(model / "model.bin"))
        dims = ct2.dimensions(weights, heads=len(weights["encoder.conv1.bias"]) // HEAD_WIDTH)
        write_transformers(to / FOLDER, weights, dims, model)
        write_checkpoint(to / CHECKPOINT, weights, dims)
        write_ggml(to / GGML, weights, dims)
    verify.check(Settings(model, to))


if __name__ == "__main__":
    main()
