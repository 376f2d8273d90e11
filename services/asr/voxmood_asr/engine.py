"""Whisper through faster-whisper, with a guard against what it makes up.

Whisper invents text where nobody speaks, and loops. So only stretches that the voice detector chose reach it, it
decodes greedily without looking back at its own text, and segments that bear the marks of an invention are dropped
and named. The thresholds are those of Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision", section 4.5. Not done here: files and formats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment as RawSegment
from faster_whisper.transcribe import restore_speech_timestamps
from faster_whisper.vad import collect_chunks

from voxmood_asr.audio import RATE, Clip, Samples, find_speech
from voxmood_asr.errors import ModelError, UnknownLanguage
from voxmood_asr.settings import Settings
from voxmood_asr.transcript import Segment, Transcript, Word

REPETITION = 2.4  # bytes of text a compressed byte: above it, the text repeats itself
NO_SPEECH = 0.6
LOW_LOGPROB = -1.0
SURE_OF_LANGUAGE = 0.5


@dataclass(frozen=True)
class Request:
    """What a caller may ask for beside the sound."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    words: bool = False


class Engine(Protocol):
    """What the app needs of a recogniser. Both methods are called in a thread."""

    def load(self) -> None:
        """Load the model and warm it up."""

    def transcribe(self, clip: Clip, request: Request, stop: Event) -> Transcript:
        """Recognise; end early, with what there is, when `stop` is set. Raises UnknownLanguage."""


class PolyglotWhisper(WhisperModel):  # type: ignore[misc]
    """Whisper that takes the likeliest of `languages` for the language of a clip.

    Short clips often look like Welsh or Javanese to it; those who run a service know what is spoken there.
    """

    languages: tuple[str, ...] = ()

    def detect_language(self, *args: Any, **kwargs: Any) -> tuple[str, float, list[tuple[str, float]]]:
        """As faster-whisper's, restricted. The probability stays the one among all languages."""
        language, probability, every = super().detect_language(*args, **kwargs)
        allowed = [(code, share) for code, share in every if code in self.languages]
        if allowed:
            language, probability = max(allowed, key=lambda pair: pair[1])
        return language, probability, every


class WhisperEngine:
    """The Engine of this service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model: PolyglotWhisper

    def load(self) -> None:
        """Load from the models folder or the hub, then recognise a second of noise to touch every code path.

        Raises ModelError.
        """
        settings = self.settings
        try:
            self.model = PolyglotWhisper(
                settings.model_source(),
                device="cpu",
                compute_type=settings.asr_compute_type,
                cpu_threads=settings.asr_threads,
            )
        except Exception as error:  # CTranslate2, the hub and the file system each have their own
            raise ModelError(
                f"{settings.asr_model!r} is not in {settings.models_dir.resolve()}, no folder with a model, and not "
                f"to be had from the hub ({type(error).__name__}): run `make models`, or check VOXMOOD_ASR_MODEL and "
                "VOXMOOD_ASR_COMPUTE_TYPE"
            ) from error
        self.model.languages = settings.languages
        unknown = set(settings.languages) - set(self.model.supported_languages)
        if unknown == set(settings.languages):
            raise ModelError(f"VOXMOOD_LANGUAGES: the model speaks none of {', '.join(sorted(unknown))}")
        noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
        find_speech(noise)
        list(self._segments(noise, Request())[0])

    def transcribe(self, clip: Clip, request: Request, stop: Event) -> Transcript:
        """Recognise what the voice detector takes for speech."""
        if request.language and request.language not in self.model.supported_languages:
            raise UnknownLanguage(f"the model does not speak {request.language!r}: use a code such as en or ru")
        warnings = ["truncated"] if clip.truncated else []
        samples, speech = find_speech(clip.samples)
        if not speech:
            return Transcript([], request.language, None, clip.seconds, warnings)
        chunks, _ = collect_chunks(samples, speech)
        raw, info = self._segments(np.concatenate(chunks), request)
        segments = []
        for segment in restore_speech_timestamps(raw, speech, RATE):
            if stop.is_set():
                break
            fault = invented(segment)
            if fault:
                warnings.append(f"dropped {segment.start:.1f}-{segment.end:.1f} s: {fault}")
            elif segment.text.strip():
                segments.append(_plain(segment))
        probability = None if request.language else info.language_probability
        if probability is not None and probability < SURE_OF_LANGUAGE:
            warnings.append("language uncertain")
        return Transcript(segments, info.language, probability, clip.seconds, warnings)

    def _segments(self, samples: Samples, request: Request) -> Any:
        return self.model.transcribe(
            samples,
            language=request.language,
            initial_prompt=request.prompt or None,
            temperature=request.temperature,
            word_timestamps=request.words,
            beam_size=1,  # five beams cost a tenth more and were not better on short clips
            condition_on_previous_text=False,
            no_speech_threshold=None,  # judged below, so that what is dropped is named
        )


def invented(segment: RawSegment) -> str | None:
    """Why the segment is not to be trusted, or None."""
    if segment.compression_ratio > REPETITION:
        return "repetition"
    if segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOW_LOGPROB:
        return "no speech"
    return None


def _plain(segment: RawSegment) -> Segment:
    words: Sequence[Any] = segment.words or ()
    return Segment(
        text=segment.text,
        start=round(segment.start, 2),
        end=round(segment.end, 2),
        tokens=segment.tokens,
        temperature=segment.temperature or 0.0,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
        words=[Word(w.word.strip(), round(w.start, 2), round(w.end, 2), w.probability) for w in words],
    )
