"""A job as it is kept; as it is shown, it is a voxmood.Job. Times are seconds since the epoch.

Names of files are not kept: the outcomes are in the order of the files.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from voxmood import Analysis, Job
from voxmood.models import JobFile, Problem


class Outcome(BaseModel):
    """What became of a file: one of them."""

    analysis: Analysis | None = None
    problem: Problem | None = None


class Record(BaseModel):
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
    told: Literal["pending", "delivered", "failed"] | None = None

    def shown(self, outcomes: Mapping[int, Outcome], keep: float) -> Job:
        """The job as its owner sees it, with these outcomes so far; it is kept so many seconds when it has ended."""
        return Job(
            id=self.id,
            state="done" if self.ended else "running" if self.begun else "queued",
            created=datetime.fromtimestamp(self.created, UTC),
            ended=datetime.fromtimestamp(self.ended, UTC) if self.ended else None,
            expires=datetime.fromtimestamp(self.ended + keep, UTC) if self.ended else None,
            files=[self._file(number, outcomes.get(number)) for number in range(self.files)],
            webhook=self.told,
        )

    def _file(self, number: int, outcome: Outcome | None) -> JobFile:
        if outcome and outcome.analysis:
            length = outcome.analysis.duration
            return JobFile(state="done", seconds=length or 0, duration=length, analysis=outcome.analysis)
        if outcome:
            return JobFile(state="failed", problem=outcome.problem)
        if self.begun and number == self.number:
            return JobFile(state="running", seconds=self.seconds, duration=self.duration)
        return JobFile(state="queued")
