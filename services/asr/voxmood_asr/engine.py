"""Whisper with a guard against what it makes up.

Whisper invents text where nobody speaks, and loops. So only stretches that the voice detector chose reach it, it
decodes greedily without looking back at its own text, and segments that bear the marks of an invention are dropped
and named. The thresholds are those of Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision", section 4.5. Not done here: files and formats.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from prometheus_client import CollectorRegistry

from voxmood_asr.audio import FULL_SCALE, RATE, Clip
from voxmood_asr.errors import ModelError, UnknownLanguage
from voxmood_asr.settings import Settings
from voxmood_asr.short_window import REPETITION, Decoded, Encoded, ShortWindowWhisper
from voxmood_asr.speech import Piece, pieces
from voxmood_asr.transcript import Segment, Transcript, Word
from voxmood_service import Stages, check_sums

NO_SPEECH = 0.6
LOW_LOGPROB = -1.0
SURE_OF_LANGUAGE = 0.5
BATCH = 5  # pieces of a long recording at once: two thirds of the time of one by one; each more takes 20 MB
FAULTS = {"repetition": "repetition", "no_speech": "no speech"}  # marks of an invention, and what to call them
EARLY = (1, 2, 2)  # the first BATCH where somebody waits for the first words
REST = 1.0  # seconds that the decoder may leave at the end of a piece

Batch = tuple[list[Piece], int]  # pieces to decode together, and the samples of the longest that shares their window


@dataclass(frozen=True)
class Request:
    """What a caller may ask for beside the sound."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    words: bool = False
    early: bool = False  # somebody waits for the first words: begin with small batches


class Engine(Protocol):
    """What the app needs of a recogniser. Its work is done in threads."""

    def load(self) -> None:
        """Load the model and warm it up."""

    def steps(self, clip: Clip, request: Request) -> Generator[Transcript, None, Transcript]:
        """Recognise part by part: yield what there is so far, return all. Raises UnknownLanguage.

        If the request is for early words, the first of it is empty and comes at once: it tells the duration.
        """


class WhisperEngine:
    """The Engine of this service; `stages` times detecting voices and recognising, for whom it may concern."""

    def __init__(self, settings: Settings, stages: Stages | None = None) -> None:
        self.settings = settings
        self.stages = stages or Stages(CollectorRegistry())
        self.languages: list[str] = []  # to choose among
        self.model: ShortWindowWhisper

    def load(self) -> None:
        """Load from the models folder or the hub, then recognise a second of noise to touch every code path.

        Raises ModelError.
        """
        settings = self.settings
        try:
            check_sums(Path(settings.model_source()))
        except (OSError, ValueError) as error:
            raise ModelError(str(error)) from error
        try:
            self.model = ShortWindowWhisper(
                settings.model_source(),
                device="cpu",
                compute_type=settings.asr_compute_type,
                cpu_threads=settings.threads(),
                num_workers=settings.workers(),
            )
        except Exception as error:  # CTranslate2, the hub and the file system each have their own
            raise ModelError(
                f"{settings.asr_model!r} is not in {settings.models_dir.resolve()}, no folder with a model, and not "
                f"to be had from the hub ({type(error).__name__}): run `make models`, or check VOXMOOD_ASR_MODEL and "
                "VOXMOOD_ASR_COMPUTE_TYPE"
            ) from error
        self.languages = [code for code in settings.languages if code in self.model.supported_languages]
        if not self.languages:
            raise ModelError(f"VOXMOOD_LANGUAGES: the model speaks none of {', '.join(sorted(settings.languages))}")
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, RATE).astype(np.float32)
        list(pieces((noise * FULL_SCALE).astype(np.int16)))
        piece = Piece(noise, [{"start": 0, "end": RATE}])
        encoded = self.model.encode_pieces([piece.samples])
        language, _ = self.model.language_of(encoded, self.languages)
        list(self._decode([piece], encoded, language, Request()))

    def transcribe(self, clip: Clip, request: Request) -> Transcript:
        """Recognise all at once. Raises UnknownLanguage."""
        steps = self.steps(clip, request)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return cast(Transcript, end.value)

    def steps(self, clip: Clip, request: Request) -> Generator[Transcript, None, Transcript]:
        """Recognise what the voice detector takes for speech, a batch of pieces at a time."""
        if request.language and request.language not in self.model.supported_languages:
            raise UnknownLanguage(f"the model does not speak {request.language!r}: use a code such as en or ru")
        so_far = Transcript([], request.language, None, clip.seconds, ["truncated"] if clip.truncated else [])
        if request.early:
            yield so_far
        waiting = batches(pieces(clip.pcm), early=request.early)
        following = self._next(waiting)
        while following:
            with self.stages("recognise"):
                so_far = self._further(so_far, *following, request)
            following = self._next(waiting)
            if following:
                yield so_far
        return replace(so_far, reached=clip.seconds)

    def _next(self, waiting: Iterator[Batch]) -> Batch | None:
        """The next pieces to decode together, for which the recording is searched as far as it takes."""
        with self.stages("detect"):
            return next(waiting, None)

    def _further(self, so_far: Transcript, batch: Sequence[Piece], longest: int, request: Request) -> Transcript:
        """The transcript with a batch of pieces more; the first one decides the language."""
        segments, warnings, dropped = list(so_far.segments), list(so_far.warnings), list(so_far.dropped)
        language, probability, repeats = so_far.language, so_far.language_probability, so_far.repeats
        encoded = self.model.encode_pieces([piece.samples for piece in batch], longest)
        if not language:
            language, probability = self.model.language_of(encoded, self.languages)
            if probability < SURE_OF_LANGUAGE:
                warnings.append("language uncertain")
        for piece, decoded in self._decode(batch, encoded, language, request):
            repeats += decoded.repeated
            for segment in plain(piece, decoded, request.temperature):
                if fault := invented(segment):
                    warnings.append(f"dropped {segment.start:.1f}-{segment.end:.1f} s: {FAULTS[fault]}")
                    dropped.append(fault)
                else:
                    segments.append(segment)
        reached = batch[-1].at(batch[-1].seconds, end=True)
        return Transcript(segments, language, probability, so_far.duration, warnings, repeats, dropped, reached)

    def _decode(
        self, batch: Sequence[Piece], encoded: Encoded, language: str, request: Request
    ) -> Iterator[tuple[Piece, Decoded]]:
        """Decode pieces, and after each what the decoder left of it."""
        found = self.model.decode(encoded, language, request.prompt, request.temperature, words=request.words)
        for piece, decoded in zip(batch, found, strict=True):
            yield piece, decoded
            if REST < decoded.finished < piece.seconds - REST:
                rest = piece.after(decoded.finished)
                yield from self._decode([rest], self.model.encode_pieces([rest.samples]), language, request)


def batches(waiting: Iterator[Piece], *, early: bool) -> Iterator[Batch]:
    """Pieces to decode together, and the samples of the longest of BATCH pieces, whose window they share.

    What is heard depends a little on the window, and so must not depend on how early somebody wants to hear it.
    """
    sizes = EARLY if early else (BATCH,)
    while together := list(islice(waiting, BATCH)):
        longest = max(len(piece.samples) for piece in together)
        rest = iter(together)
        for size in sizes:
            if batch := list(islice(rest, size)):
                yield batch, longest
        sizes = (BATCH,)


def plain(piece: Piece, decoded: Decoded, temperature: float) -> Iterator[Segment]:
    """The segments of a piece that hold text, with times of the recording."""
    for segment in decoded.segments:
        start, end = (min(segment[name], piece.seconds) for name in ("start", "end"))
        if segment["text"].strip() and start < end:
            yield Segment(
                text=segment["text"],
                start=piece.at(start),
                end=piece.at(end, end=True),
                tokens=segment["tokens"],
                temperature=temperature,
                avg_logprob=decoded.avg_logprob,
                compression_ratio=decoded.compression_ratio,
                no_speech_prob=decoded.no_speech_prob,
                words=[
                    Word(
                        word["word"].strip(),
                        piece.at(word["start"]),
                        piece.at(word["end"], end=True),
                        word["probability"],
                    )
                    for word in segment.get("words", ())
                ],
            )


def invented(segment: Segment) -> str | None:
    """Which of FAULTS the segment has, or None."""
    if segment.compression_ratio > REPETITION:
        return "repetition"
    if segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOW_LOGPROB:
        return "no_speech"
    return None
