"""What is done of a job, step by step: each file is analysed in its turn, then the webhook is told.

A step may be broken off anywhere, by a kill too: what was not saved is done again. Not done here: where jobs are kept
and who does which (store.py), the request to the webhook (webhook.py).
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from contextlib import aclosing

from prometheus_client import CollectorRegistry, Counter, Gauge

from voxmood import Analysis, Analyzer, BadAnswer, Busy, InvalidInput, Progress, TimedOut, Unauthorized, VoxmoodError
from voxmood.models import Problem
from voxmood_gateway.jobs.models import Outcome, Record
from voxmood_gateway.jobs.store import Gone, Store
from voxmood_gateway.jobs.webhook import Webhook
from voxmood_gateway.keys import ours_refused
from voxmood_gateway.settings import Settings
from voxmood_service import span

logger = logging.getLogger("voxmood.jobs")
TRIES = 24  # at one file, those ended by kills included: some three hours while a service is down
LONGEST = 600.0  # seconds between two of them
TELLINGS = 9  # tries to tell the webhook: some twelve hours


class Work:
    """Works on the jobs of a store between `start` and `stop`; `count` hears of each analysis."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        analyzer: Analyzer,
        registry: CollectorRegistry,
        count: Callable[[Analysis], None],
    ) -> None:
        self.store, self.settings, self.analyzer, self.count = store, settings, analyzer, count
        self.running: asyncio.Task[None] | None = None
        self.keep = settings.jobs_keep * 3600
        self.webhook = Webhook(settings)
        self.jobs = Counter("voxmood_jobs", "Jobs by what became of them", ["outcome"], registry=registry)
        self.told = Counter("voxmood_webhooks", "Tries to tell a webhook", ["outcome"], registry=registry)
        self.unfinished = Gauge("voxmood_jobs_unfinished", "Jobs that have not ended", registry=registry)

    async def start(self) -> None:
        """Open the store and begin. Raises OSError."""
        await self.store.open()
        await self.look()
        self.running = asyncio.create_task(self.store.run(self.step, self.settings.jobs_parallel))
        self.running.add_done_callback(_ended)

    async def stop(self) -> None:
        """Break off what is at work, which is done again later, and close the store."""
        if self.running:
            self.running.cancel()
            await asyncio.wait({self.running})
            await self.store.close()
        await self.webhook.close()

    async def look(self) -> None:
        """Bring the gauge up to date."""
        try:
            self.unfinished.set(await self.store.unfinished())
        except self.store.failures:
            logger.warning("jobs cannot be counted")

    async def step(self, id: str) -> float | None:
        """See store.Step."""
        try:
            job, lease = await self.store.take(id)
            with span("job"):
                pause = await (self.tell(job, lease) if job.ended else self.analyse(job, lease))
        except Gone:
            pause = None
        await self.look()
        return pause

    async def analyse(self, job: Record, lease: str) -> float | None:
        """Analyse the files that have no outcome. Gives the seconds until the next try."""
        job.begun = True
        while job.number < job.files:
            job.tries += 1
            job.seconds, job.duration = 0, None
            await self.store.save(job, lease)
            try:
                outcome = await self.outcome(job, lease)
            except Busy as error:  # others come first
                job.tries -= 1
                await self.store.save(job, lease)
                return max(1, error.retry_after or 0)
            except VoxmoodError as error:
                logger.warning("a job waits: %s", error.code)
                return max(error.retry_after or 0, min(LONGEST, 2.0**job.tries))
            job.number, job.tries = job.number + 1, 0
            await self.store.save(job, lease, (job.number - 1, outcome))
        job.ended = time.time()
        await self.store.save(job, lease)
        self.jobs.labels("done").inc()
        return await self.tell(job, lease)

    async def outcome(self, job: Record, lease: str) -> Outcome:
        """What becomes of the file whose turn it is. Raises VoxmoodError where it is worth another try, Gone."""
        if job.tries > TRIES or time.time() > job.created + self.keep:
            return _refused(TimedOut("the services did not answer for hours: send it again"))
        audio = await self.store.audio(job.id, job.number)
        parts = self.analyzer.stream_audio(audio, language=job.language, explain=job.explain, request_id=job.request_id)
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Progress):
                        job.seconds, job.duration = part.seconds, part.duration
                        await self.store.save(job, lease)
                    elif isinstance(part, Analysis):
                        self.count(part)
                        return Outcome(analysis=part)
        except InvalidInput as error:
            return _refused(error)
        except Unauthorized:
            return _refused(ours_refused())
        raise BadAnswer("a service broke off its answer")

    async def tell(self, job: Record, lease: str) -> float | None:
        """Tell the webhook. Gives the seconds until the next try."""
        if job.told != "pending":
            return None
        job.tries += 1
        await self.store.save(job, lease)
        answer = await self.webhook.tell(job)
        if answer == "again" and job.tries >= TELLINGS:
            answer = "failed"
        self.told.labels(answer).inc()
        if answer == "again":
            return 2.0 ** (2 * job.tries - 1)
        job.told = answer
        await self.store.save(job, lease)
        return None


def _ended(running: asyncio.Task[None]) -> None:
    """End the process rather than take jobs that nobody works on."""
    if not running.cancelled() and (error := running.exception()):
        logger.critical("jobs are not worked on any more: ending", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def _refused(error: VoxmoodError) -> Outcome:
    return Outcome(problem=Problem(status=error.status, code=error.code, detail=str(error)))
