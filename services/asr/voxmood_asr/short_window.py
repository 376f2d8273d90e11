"""Whisper that encodes what a piece of speech holds, not thirty seconds.

Whisper was trained on windows of 30 s, and servers pad every clip to one: a voice message of 6 s pays for 24 s of
silence, which is most of what it costs. The positions of the encoder are counted from the start, so a shorter window
is the beginning of one that the model knows, and CTranslate2 computes as many frames as it is given. Three things
make that safe:

- **Silence behind the speech.** A decoder whose window ends where the speech does has never seen that, and loops.
- **A bound on the tokens**, by the length of the speech, so that a loop ends early.
- **A guard.** Loops begin in the silence: their time stamps go beyond the speech, and there they are cut off. Text that
  still repeats itself or reaches the bound is decoded once more, on the window of 30 s.

The language is detected on the encoding that is decoded, where faster-whisper encodes a second time. Several pieces of
a long recording are decoded together. What the constants do to WER and time: docs/decisions/0007.
Not done here: finding speech (speech.py), and judging what was decoded (engine.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_ctranslate2_storage, get_suppressed_tokens
from numpy.typing import NDArray

from voxmood_asr.audio import RATE, Samples

FRAMES = 100  # a second, of the log-mel spectrogram
FULL = 30 * FRAMES  # the window that Whisper was trained on
MARGIN = 6 * FRAMES  # of silence behind the speech: with 4 s, 0.4 points of WER more and 5 % less time
REPETITION = 2.4  # bytes of text a compressed byte: above it, the text repeats itself (Radford et al. 2022)
FASTEST = 16  # tokens a second: who reads Russian out in a hurry comes to 10
SPARE = 24  # tokens: time stamps, and what short clips have more of
PAUSE = 0.5  # seconds: nobody begins to speak so late, since the voice detector leaves 0.4 s behind speech
TIMESTAMP = 0.02  # seconds from one time stamp to the next
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # punctuation that belongs to the next, the last word

Mel = NDArray[np.float32]  # log-mel spectrogram, (bands, frames)


@dataclass(frozen=True)
class Encoded:
    """Pieces of speech in one window: their spectrograms, and the encoder's states for all of them."""

    mels: list[Mel]
    states: Any  # ctranslate2.StorageView, (pieces, frames / 2, width)


@dataclass(frozen=True)
class Decoded:
    """What one piece holds. `segments` have start, end, tokens, text, and words if asked for; times from its start."""

    segments: list[dict[str, Any]]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    finished: float  # seconds from the start; less than its length if the decoder left a rest
    repeated: bool  # on the full window


class ShortWindowWhisper(WhisperModel):  # type: ignore[misc]
    """faster-whisper's model, for pieces of speech of at most 30 s less MARGIN."""

    def encode_pieces(self, pieces: Sequence[Samples], longest: int = 0) -> Encoded:
        """Encode pieces in windows as long as the longest of them, or one of `longest` samples, needs.

        One after the other: the encoder is no faster with several at once, and takes memory for each.
        """
        mels = [self.feature_extractor(piece)[:, :-1] for piece in pieces]  # the last frame is of its padding
        frames = max(longest * FRAMES // RATE, *(mel.shape[1] for mel in mels)) + MARGIN
        encoded = [self.encode(window(mel, frames)) for mel in mels]
        if len(encoded) == 1:
            return Encoded(mels, encoded[0])
        return Encoded(mels, get_ctranslate2_storage(np.concatenate([np.asarray(states) for states in encoded])))

    def language_of(self, encoded: Encoded, languages: Sequence[str]) -> tuple[str, float]:
        """The likeliest of `languages` for the first piece, and its probability among all that the model knows.

        Short clips often look like Welsh or Javanese to Whisper; those who run a service know what is spoken there.
        """
        if not self.model.is_multilingual:
            return "en", 1.0
        every = {token[2:-2]: share for token, share in self.model.detect_language(encoded.states)[0]}
        return max(((code, every[code]) for code in languages if code in every), key=lambda pair: pair[1])

    def decode(
        self, encoded: Encoded, language: str, prompt: str | None, temperature: float, *, words: bool
    ) -> list[Decoded]:
        """Decode every piece greedily, or by sampling if `temperature` is above zero."""
        tokenizer = Tokenizer(self.hf_tokenizer, self.model.is_multilingual, task="transcribe", language=language)
        bounds = [int(mel.shape[1] / FRAMES * FASTEST) + SPARE for mel in encoded.mels]
        results = self._generate(encoded, tokenizer, prompt, temperature, max(bounds))
        decoded = []
        for mel, bound, result in zip(encoded.mels, bounds, results, strict=True):
            tokens, again = result.sequences_ids[0], False
            stamps = Stamps(tokenizer.timestamp_begin, mel.shape[1] / FRAMES)
            if stamps.go_on(tokens) or looping(tokens, bound, tokenizer):
                tokens = stamps.cut(tokens)
                if again := looping(tokens, bound, tokenizer):
                    whole = Encoded([mel], self.encode(window(mel, FULL)))
                    (result,) = self._generate(whole, tokenizer, prompt, temperature, self.max_length)
                    tokens = result.sequences_ids[0]
            decoded.append(self._decoded(mel, tokenizer, tokens, result, repeated=again))
        if words:
            self.add_word_timestamps(
                [piece.segments for piece in decoded],
                tokenizer,
                encoded.states,
                [mel.shape[1] for mel in encoded.mels],
                PREPENDED,
                APPENDED,
                0.0,
            )
        return decoded

    def _generate(
        self, encoded: Encoded, tokenizer: Tokenizer, prompt: str | None, temperature: float, most: int
    ) -> list[Any]:
        start = self.get_prompt(tokenizer, tokenizer.encode(f" {prompt.strip()}") if prompt else [])
        return list(
            self.model.generate(
                encoded.states,
                [start] * len(encoded.mels),
                beam_size=1,  # five beams cost a tenth more and were not better on short clips
                max_length=min(self.max_length, len(start) + most),
                return_scores=True,
                return_no_speech_prob=True,
                suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
                sampling_topk=0 if temperature else 1,
                sampling_temperature=temperature or 1.0,
            )
        )

    def _decoded(self, mel: Mel, tokenizer: Tokenizer, tokens: list[int], result: Any, *, repeated: bool) -> Decoded:
        frames = mel.shape[1]
        segments, seek, _ = self._split_segments_by_timestamps(
            tokenizer=tokenizer,
            tokens=tokens,
            time_offset=0.0,
            segment_size=frames,
            segment_duration=frames / FRAMES,
            seek=0,
        )
        for segment in segments:
            segment["text"] = tokenizer.decode(segment["tokens"])
        return Decoded(
            segments,
            avg_logprob=result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1),
            no_speech_prob=result.no_speech_prob,
            compression_ratio=repetition(tokenizer, tokens),
            finished=min(seek, frames) / FRAMES,
            repeated=repeated,
        )


def looping(tokens: list[int], bound: int, tokenizer: Tokenizer) -> bool:
    """Whether they are as many as can be, or repeat themselves."""
    return len(tokens) >= bound or repetition(tokenizer, tokens) > REPETITION


def repetition(tokenizer: Tokenizer, tokens: list[int]) -> float:
    """Bytes of text a compressed byte."""
    return float(get_compression_ratio(tokenizer.decode(tokens).strip()))


@dataclass(frozen=True)
class Stamps:
    """The time stamps in the tokens of a piece: `zero` is the token of the first, `seconds` the length of the piece."""

    zero: int
    seconds: float

    def go_on(self, tokens: list[int]) -> bool:
        """Whether they go on where nothing is to be heard."""
        return max(tokens, default=0) > self._token(self.seconds + PAUSE)

    def cut(self, tokens: list[int]) -> list[int]:
        """The tokens before the first segment that begins where nobody speaks any more; all if there is no such."""
        end = self._token(self.seconds - PAUSE)
        parts = (i for i in range(1, len(tokens)) if tokens[i - 1] >= self.zero and tokens[i] >= end)
        return tokens[: next(parts, len(tokens))]

    def _token(self, seconds: float) -> float:
        return self.zero + seconds / TIMESTAMP


def window(mel: Mel, frames: int) -> Mel:
    """A spectrogram with zeros behind it, as faster-whisper pads, (bands, frames), `frames` made even to be halved."""
    filled = np.zeros((mel.shape[0], min(FULL, frames + frames % 2)), np.float32)
    filled[:, : mel.shape[1]] = mel[:, : filled.shape[1]]
    return filled
