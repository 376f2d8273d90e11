"""A job as it is kept, and as it is shown. Times of a clock are seconds since the epoch where they are kept.

Names of files are not kept: the outcomes are in the order of the files.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from voxmood import Analysis
from voxmood.models import Problem

Telling = Literal["pending", "delivered", "failed"]


class Outcome(BaseModel):
    """What became of a file: one of them."""

    analysis: Analysis | None = None
    problem: Problem | None = None


class Job(BaseModel):
    """What is kept of a job beside its audio and outcomes. Who holds its lease may change it."""

    id: str
    owner: str  # the name of the key that it was made with
    request_id: str | None = None  # of the request that made it, for the logs
    created: float = Field(default_factory=time.time)
    language: str | None = None
    explain: bool = False
    files: int
    begun: bool = False
    number: int = 0  # of the file at work: those before it have an outcome
    seconds: float = 0  # of that file that are recognised
    duration: float | None = None
    tries: int = 0  # at the step that is due: at that file, or at telling the webhook
    ended: float | None = None
    webhook: str | None = None
    told: Telling | None = None


class FileView(BaseModel):
    """A file of a job."""

    state: Literal["queued", "running", "done", "failed"]
    seconds: float = Field(0, description="how much of it has been recognised")
    duration: float | None = Field(None, description="its length, once that is known")
    analysis: Analysis | None = None
    problem: Problem | None = Field(
        None, description="why there is no analysis: status, code and detail as of /analyze"
    )


class JobView(BaseModel):
    """A job as its owner sees it."""

    id: str
    state: Literal["queued", "running", "done"] = Field(description="done: each file has an analysis or a problem")
    created: datetime
    ended: datetime | None
    expires: datetime | None = Field(description="when it is deleted; known once it has ended")
    files: list[FileView] = Field(description="in the order in which they were sent")
    webhook: Telling | None = Field(description="whether the webhook, if there is one, has been told")

    @classmethod
    def of(cls, job: Job, outcomes: Mapping[int, Outcome], keep: float) -> Self:
        """Show a job whose files have these outcomes so far."""
        return cls(
            id=job.id,
            state="done" if job.ended else "running" if job.begun else "queued",
            created=datetime.fromtimestamp(job.created, UTC),
            ended=datetime.fromtimestamp(job.ended, UTC) if job.ended else None,
            expires=datetime.fromtimestamp(job.ended + keep, UTC) if job.ended else None,
            files=[_file(job, number, outcomes.get(number)) for number in range(job.files)],
            webhook=job.told,
        )


def _file(job: Job, number: int, outcome: Outcome | None) -> FileView:
    if outcome and outcome.analysis:
        length = outcome.analysis.duration
        return FileView(state="done", seconds=length or 0, duration=length, analysis=outcome.analysis)
    if outcome:
        return FileView(state="failed", problem=outcome.problem)
    if job.begun and number == job.number:
        return FileView(state="running", seconds=job.seconds, duration=job.duration)
    return FileView(state="queued")
