"""What a recognition gives. Times are seconds from the start of the file."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """One word with its times."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech, as the decoder cut it, with what it says of its own certainty."""

    text: str
    start: float
    end: float
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: list[Word]


@dataclass(frozen=True)
class Transcript:
    """The whole text. `language` is an ISO 639-1 code, None where nobody speaks."""

    segments: list[Segment]
    language: str | None
    language_probability: float | None
    duration: float
    warnings: list[str]
    repeats: int = 0  # pieces decoded again on the full window
    dropped: list[str] = field(default_factory=list)  # for each segment left out, which of engine.py's faults it has
    reached: float = 0.0  # seconds of the recording that have been recognised

    @property
    def text(self) -> str:
        """The segments' texts, joined."""
        return " ".join(segment.text.strip() for segment in self.segments).strip()

    @property
    def no_speech(self) -> bool:
        """Nothing was said, or nothing that can be trusted."""
        return not self.text
