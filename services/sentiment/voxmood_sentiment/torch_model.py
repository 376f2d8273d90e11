"""Any transformers sequence-classification checkpoint, a folder or a hub id, on torch.

torch and transformers are the extra `[torch]`: imported only when such a model is loaded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from voxmood_sentiment.errors import ModelError

MAX_TOKENS = 512


class TorchClassifier:
    """See `voxmood_sentiment.classifier.Classifier`."""

    def __init__(self, source: str, threads: int = 0) -> None:
        """Load a folder or hub id; `threads` of one inference, 0: all cores. Raises ModelError."""
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise ModelError(
                f"{source} needs torch and transformers: pip install 'voxmood-sentiment[torch]'"
            ) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(source)
            model = AutoModelForSequenceClassification.from_pretrained(source, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise ModelError(f"{source} cannot be read as a sequence classifier: {error}") from error
        if not tokenizer.is_fast:
            raise ModelError(f"{source} has no tokenizer.json, and its tokenizer cannot be turned into one")
        if threads:
            torch.set_num_threads(threads)
        self.torch, self.model = torch, model.eval()
        # A copy, free of the truncation that a checkpoint may have saved.
        self.tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.name = source.rstrip("/").rsplit("/", 1)[-1]
        self.labels: Sequence[str] = [model.config.id2label[number] for number in sorted(model.config.id2label)]
        self.pad_token = tokenizer.pad_token_id or 0
        # Not read from config.json: in a checkpoint's, `temperature` is a setting of text generation.
        self.temperature, self.hard_to_say_below = 1.0, 0.0
        self.max_tokens = min(MAX_TOKENS, tokenizer.model_max_length, positions(model.config))

    def logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (rows, labels) of token ids (rows, tokens); mask is 0 where a row is padded."""
        with self.torch.inference_mode():
            output = self.model(input_ids=self.torch.from_numpy(ids), attention_mask=self.torch.from_numpy(mask))
        return np.asarray(output.logits.numpy(), np.float32)


def positions(config: Any) -> int:
    """How many tokens a model can tell apart by position. RoBERTa and its kin count from pad_token_id + 1."""
    count: int | None = getattr(config, "max_position_embeddings", None)
    if not count or count < 0:  # relative positions: no limit
        return MAX_TOKENS
    shifted = any(kin in config.model_type for kin in ("roberta", "camembert", "mpnet", "longformer"))
    return count - (config.pad_token_id + 1 if shifted else 0)
