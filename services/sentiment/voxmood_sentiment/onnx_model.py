"""A classifier exported to ONNX, on ONNX Runtime: what serves the shipped model, without torch.

The folder holds model.onnx, tokenizer.json and config.json with id2label, as training/export.py and other
exporters write them; `temperature` and `hard_to_say_below` there are ours, and may be absent.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from voxmood_sentiment.errors import ModelError
from voxmood_service import check_sums


class OnnxClassifier:
    """See `voxmood_sentiment.classifier.Classifier`."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Load; `threads` of one inference, 0: all cores. Raises ModelError."""
        try:
            check_sums(folder)
            config: dict[str, Any] = json.loads((folder / "config.json").read_text())
            labels = {int(number): label for number, label in config["id2label"].items()}
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            # Waiting threads sleep: spinning doubles the processor time to save 2 ms, and speech recognition needs it.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.inter_op_num_threads = 1  # the graph is a chain: there is nothing to run side by side
            path = str(folder / "model.onnx")
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # each library has its own tree of errors, some none at all
            raise ModelError(f"{folder} cannot be read as an ONNX classifier: {error}") from error
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.name = config.get("name", folder.name)
        self.labels: Sequence[str] = [labels[number] for number in sorted(labels)]
        self.max_tokens = config.get("max_length", config.get("max_position_embeddings", 512))
        self.pad_token = config.get("pad_token_id", 0)
        self.temperature = number(folder, config, "temperature", 1, least=0.01, most=100)
        self.hard_to_say_below = number(folder, config, "hard_to_say_below", 0, least=0, most=1)

    def logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (rows, labels) of token ids (rows, tokens); mask is 0 where a row is padded."""
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (logits,) = self.session.run(["logits"], {put.name: known[put.name] for put in self.session.get_inputs()})
        return np.asarray(logits, np.float32)


def number(folder: Path, config: dict[str, Any], name: str, usual: float, *, least: float, most: float) -> float:
    """A number of config.json, `usual` where it is absent. Raises ModelError if it is none, or out of its range."""
    value = config.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ModelError(
            f"{name} in {folder / 'config.json'} is {value!r} and must be a number from {least} to {most}: "
            "correct it, leave it out, or run training.calibrate"
        )
    return float(value)
