"""What an analysis is, and what the two services answer. Times are seconds from the start of the audio."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Label = Literal["negative", "neutral", "positive"]


class Frozen(BaseModel):
    """Answers are facts: nobody edits them."""

    model_config = ConfigDict(frozen=True)


class Scores(Frozen):
    """Probabilities of the three moods; they add up to 1."""

    negative: float
    neutral: float
    positive: float


class WordWeight(Frozen):
    """How much a word speaks for its sentence's verdict: the probability that is lost without it."""

    text: str = Field(description="the word")
    weight: float = Field(description="what the probability of the verdict loses without it, in [-1, 1]")


class Sentence(Frozen):
    """A sentence with its times (None for text), its mood and, if asked for, the weights of its words."""

    text: str = Field(description="its words")
    start: float | None = Field(None, description="seconds from the start of the audio; null for text")
    end: float | None = Field(None, description="seconds from the start of the audio; null for text")
    verdict: Label = Field(description="the likeliest mood")
    confidence: float = Field(description="its probability")
    hard_to_say: bool = Field(False, description="whether the verdict is little more than a guess")
    score: float = Field(description="P(positive) - P(negative), in [-1, 1]")
    words: list[WordWeight] | None = Field(None, description="with `explain`: what each word is worth")


class Turn(Frozen):
    """Where the mood of a recording turns, for the rest of it."""

    start: float = Field(description="seconds from the start of the audio")
    verdict: Label = Field(description="the mood from there on")


class Progress(Frozen):
    """How much of a recording has been recognised."""

    seconds: float
    duration: float


class Models(Frozen):
    """Which models gave the analysis."""

    asr: str | None = None
    sentiment: str | None = None


class Timings(Frozen):
    """Seconds spent in each service, the network included."""

    asr: float | None = None
    sentiment: float | None = None


class Analysis(Frozen):
    """The whole answer. Where nobody speaks, `no_speech` is true and the mood is None."""

    verdict: Label | None = Field(description="the likeliest mood")
    confidence: float | None = Field(description="its probability")
    hard_to_say: bool = Field(
        False, description="the confidence is so low that the verdict is little more than a guess"
    )
    score: float | None = Field(description="P(positive) - P(negative), in [-1, 1]")
    scores: Scores | None = Field(description="the probabilities of all three moods")
    turn: Turn | None = Field(None, description="where the mood of a recording of over 20 s turns; null: it does not")
    transcript: str = Field(description="what was said, or the text that was sent")
    language: str | None = Field(description="ISO 639-1")
    duration: float | None = Field(description="length of the audio in seconds; null for text")
    no_speech: bool = Field(description="whether nobody speaks; then there is no mood")
    truncated: bool = Field(description="the file is shorter or more damaged than it claims")
    warnings: list[str] = Field(description="what is uncertain, and what was left out")
    sentences: list[Sentence] = Field(description="in their order")
    models: Models = Field(description="which models gave the answer")
    timings: Timings = Field(description="seconds spent in each service")


class AsrSegment(Frozen):
    """A segment of `verbose_json`."""

    text: str
    start: float
    end: float


class AsrAnswer(Frozen):
    """OpenAI's `verbose_json`; what other servers of it leave out, or only voxmood_asr adds, is optional."""

    text: str
    language: str | None = None
    duration: float | None = None
    segments: list[AsrSegment] | None = None
    model: str | None = None
    warnings: list[str] = []


class AsrFault(Frozen):
    """OpenAI's error object; `status` is added by voxmood_asr."""

    message: str = "without saying why"
    code: str | None = None
    status: int = 500


class AsrEvent(Frozen):
    """An event of OpenAI's stream; the fields of a delta beside `type` are added by voxmood_asr."""

    type: str = ""
    seconds: float | None = None
    duration: float | None = None
    language: str | None = None
    error: AsrFault | None = None


class Problem(Frozen):
    """Problem details (RFC 9457) of a gateway."""

    status: int
    code: str
    detail: str


class Classification(Frozen):
    """One result of `/classify`."""

    verdict: Label
    confidence: float
    hard_to_say: bool = False  # servers of other models may not know it
    score: float
    scores: Scores
    words: list[WordWeight] | None = None


class SentimentAnswer(Frozen):
    """The answer of `/classify`."""

    model: str
    results: list[Classification]


class JobFile(Frozen):
    """A recording of a job: an analysis or a problem, once it is done or failed."""

    state: Literal["queued", "running", "done", "failed"] = Field(description="failed: there is a problem")
    seconds: float = Field(0, description="how much of it has been recognised")
    duration: float | None = Field(None, description="its length, once that is known")
    analysis: Analysis | None = Field(None, description="as of /analyze, once it is done")
    problem: Problem | None = Field(
        None, description="why there is no analysis: status, code and detail as of /analyze"
    )


class Job(Frozen):
    """Recordings that a gateway analyses one after the other."""

    id: str = Field(description="what it is asked for and deleted by")
    state: Literal["queued", "running", "done"] = Field(description="done: each file is done or failed")
    created: datetime = Field(description="when it was taken")
    ended: datetime | None = Field(description="when it was done")
    expires: datetime | None = Field(description="when it is deleted; known once it has ended")
    files: list[JobFile] = Field(description="in the order in which they were sent")
    webhook: Literal["pending", "delivered", "failed"] | None = Field(
        description="whether the webhook, if there is one, has been told"
    )
