"""Read the texts of requests that wait at the same time together: a batch costs less than its texts one by one.

Nobody waits for company. A request that comes while nothing is read is read at once; those that come meanwhile are
read together when it is done, the first of them taking the others along. Not done here: the queue, and reading.
"""

from collections import deque
from dataclasses import dataclass
from threading import Event, Lock

from fastapi import Request

from voxmood_sentiment.scoring import BATCH_TOKENS, Reading, Scorer
from voxmood_service import Turns, span

CHARACTERS = 4 * BATCH_TOKENS  # that are read together: about as many as fill a batch; more keep others waiting


@dataclass(eq=False)
class Job:
    """The texts of a request, and what has been read of them."""

    texts: list[str]
    readings: list[Reading] | None = None

    @property
    def characters(self) -> int:
        """How long the texts are, together."""
        return sum(map(len, self.texts))


class Together:
    """Reads for requests, each in its turn or in an earlier one."""

    def __init__(self, scorer: Scorer, turns: Turns) -> None:
        self.scorer, self.turns = scorer, turns
        self.waiting: deque[Job] = deque()
        self.lock = Lock()  # requests come in the event loop, and are taken in the thread that reads

    async def read(self, request: Request, texts: list[str]) -> list[Reading]:
        """Readings of a request's texts. Raises Busy and HungUp as `Turns.run` does."""
        job = Job(texts)
        with self.lock:
            self.waiting.append(job)
        try:
            return await self.turns.run(request, lambda stop: self._work(job, stop))
        finally:
            with self.lock:
                if job in self.waiting:
                    self.waiting.remove(job)

    def _work(self, job: Job, stop: Event) -> list[Reading]:
        if job.readings is None:
            jobs = self._take(job)
            if len(jobs) > 1:
                stop = Event()  # who hangs up must not end what is read for others
            with span("classify"):
                readings = iter(self.scorer.read([text for one in jobs for text in one.texts], stop))
            for one in jobs:
                one.readings = [next(readings) for _ in one.texts]
        return job.readings or []

    def _take(self, job: Job) -> list[Job]:
        """Take the job, and those that wait behind it as long as all of them fit."""
        with self.lock:
            self.waiting.remove(job)
            jobs, room = [job], CHARACTERS - job.characters
            while self.waiting and self.waiting[0].characters <= room:
                jobs.append(self.waiting.popleft())
                room -= jobs[-1].characters
            return jobs
