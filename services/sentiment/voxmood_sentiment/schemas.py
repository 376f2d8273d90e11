"""What `POST /classify` takes and gives."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from voxmood_sentiment.explain import Weight
from voxmood_sentiment.labels import VERDICTS, Verdict
from voxmood_sentiment.scoring import Reading
from voxmood_sentiment.words import whole

Text: TypeAlias = Annotated[str, AfterValidator(whole)]
DIGITS = 4  # more would only be noise of the 8-bit model


class Question(BaseModel):
    """The texts to judge."""

    model_config = ConfigDict(extra="forbid", strict=True)

    texts: list[Text] = Field(
        min_length=1,
        description="each is judged by itself, to its end",
        examples=[["You forgot again.", "Я так рада!"]],
    )
    explain: bool = Field(False, description="also tell how much each word speaks for the verdict")


class Word(BaseModel):
    """A word of the text, at characters start to end (exclusive)."""

    text: str = Field(description="as it stands in the text")
    start: int = Field(description="its first character")
    end: int = Field(description="the character behind its last")
    weight: float = Field(description="what it adds to the probability of the verdict, in [-1, 1]")


class Scores(BaseModel):
    """Probabilities; they add up to 1."""

    negative: float
    neutral: float
    positive: float


class Result(BaseModel):
    """What one text is judged to be."""

    verdict: Verdict = Field(description="the likeliest mood")
    confidence: float = Field(description="probability of the verdict")
    hard_to_say: bool = Field(description="the confidence is so low that the verdict is little more than a guess")
    score: float = Field(description="P(positive) - P(negative), in [-1, 1]")
    scores: Scores = Field(description="the probabilities of all three moods")
    windows: int = Field(description="in how many parts the text was read; 1 unless it is long")
    words: list[Word] | None = Field(None, description="with explain, unless the text is too long for it")

    @classmethod
    def of(cls, text: str, reading: Reading, weights: Sequence[Weight] | None) -> "Result":
        """Put a reading into the form of an answer."""
        probability = [round(float(value), DIGITS) for value in reading.classes]
        return cls(
            verdict=reading.verdict,
            confidence=max(probability),
            hard_to_say=reading.hard_to_say,
            score=round(probability[2] - probability[0], DIGITS),
            scores=Scores(**dict(zip(VERDICTS, probability, strict=True))),
            windows=reading.windows,
            words=None
            if weights is None
            else [
                Word(text=text[w.start : w.end], start=w.start, end=w.end, weight=round(w.weight, DIGITS))
                for w in weights
            ],
        )


class Answer(BaseModel):
    """One result for each text, in their order."""

    model: str = Field(examples=["voxmood-1"])
    results: list[Result]
