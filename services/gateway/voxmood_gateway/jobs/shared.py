"""Jobs that several gateways share, in Redis or Valkey: each of them takes jobs from callers and works on them.

saq hands jobs out, notices workers that die and gives what they had to others. What a job is, and that it is written
only by who holds its lease, stands in keys of our own. Every job that is not finished is offered to saq again and
again, which ignores those it has: what saq itself may lose in a crash comes back. Redis must keep what it has when it
restarts (appendonly). Not done here: what a step is.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from saq import Job as Turn
from saq import Worker
from saq.queue.redis import RedisQueue

from voxmood_gateway.jobs.models import Outcome, Record
from voxmood_gateway.jobs.store import Gone, Step

logger = logging.getLogger("voxmood.jobs")
PREFIX = "voxmood:jobs"
OPEN = f"{PREFIX}:open"  # a hash of the jobs that have something to do: their owners by id, '' once they have ended
UPLOAD = 600  # seconds that audio stays whose job was never made
WITHOUT_END = 1_000_000_000  # tries
AGAIN = 2  # seconds until a step that failed, or whose worker died, is tried again

# Keys: the job, its outcomes, OPEN, the repetition, its audio ...
# Arguments: its id, job, owner, seconds, repetition or '', and how keys of jobs begin.
ADD = """
local known = ARGV[5] ~= '' and redis.call('GET', KEYS[4])
local job = known and redis.call('HGET', ARGV[6] .. known, 'job')
if job then return job end
redis.call('HSET', KEYS[1], 'job', ARGV[2], 'owner', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
for number = 5, #KEYS do redis.call('EXPIRE', KEYS[number], ARGV[4]) end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
if ARGV[5] ~= '' then redis.call('SET', KEYS[4], ARGV[1], 'EX', ARGV[4]) end
return false
"""
TAKE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
return redis.call('HGET', KEYS[1], 'job')
"""
# Keys: the job, its outcomes, the audio of the file, OPEN.
# Arguments: lease, job, seconds, number of the file, outcome or '', id if it has ended or ''.
SAVE = """
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'job', ARGV[2])
if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
    redis.call('DEL', KEYS[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
if redis.call('HEXISTS', KEYS[4], ARGV[6]) == 1 then redis.call('HSET', KEYS[4], ARGV[6], '') end
return 1
"""


class Shared:
    """See store.Store. `patience` is how many seconds a worker may be silent before it is thought dead."""

    failures = RedisError

    def __init__(self, url: str, keep: float, patience: int) -> None:
        self.keep, self.patience = int(keep), patience
        self.redis: Any = Redis.from_url(url)  # its types leave open whether it is asynchronous
        self.queue = RedisQueue(self.redis, name="voxmood")
        # The worker would ask a Redis that is away in a loop.
        self.patient = Redis.from_url(url, retry=Retry(ExponentialBackoff(cap=10, base=0.1), WITHOUT_END))
        self.turns = RedisQueue(self.patient, name="voxmood")
        self._add, self._take, self._save = map(self.redis.register_script, (ADD, TAKE, SAVE))

    async def open(self) -> None:
        """See store.Store. Whether Redis is there shows when it is needed."""

    async def close(self) -> None:
        """See store.Store."""
        await self.redis.aclose()
        await self.patient.aclose()

    async def add(self, job: Record, audio: Sequence[BinaryIO], repeat: str | None) -> Record:
        """See store.Store."""
        names = [_audio(job.id, number) for number in range(job.files)]
        for name, file in zip(names, audio, strict=True):
            await self.redis.set(name, file.read(), ex=UPLOAD)
        known = await self._add(
            keys=[_job(job.id), _outcomes(job.id), OPEN, f"{PREFIX}:repeat:{repeat}", *names],
            args=[job.id, job.model_dump_json(), job.owner, 2 * self.keep, repeat or "", _job("")],
        )
        if known:
            await self.redis.delete(*names)
            return Record.model_validate_json(known)
        await self._offer(job.id)
        return job

    async def get(self, id: str) -> Record | None:
        """See store.Store."""
        job = await self.redis.hget(_job(id), "job")
        return Record.model_validate_json(job) if job else None

    async def outcomes(self, id: str) -> Mapping[int, Outcome]:
        """See store.Store."""
        found = await self.redis.hgetall(_outcomes(id))
        return {int(number): Outcome.model_validate_json(outcome) for number, outcome in found.items()}

    async def audio(self, id: str, number: int) -> bytes:
        """See store.Store."""
        audio: bytes | None = await self.redis.get(_audio(id, number))
        if audio is None:
            raise Gone
        return audio

    async def take(self, id: str) -> tuple[Record, str]:
        """See store.Store."""
        lease = secrets.token_hex(8)
        job = await self._take(keys=[_job(id)], args=[lease])
        if not job:
            raise Gone
        return Record.model_validate_json(job), lease

    async def save(self, job: Record, lease: str, done: tuple[int, Outcome] | None = None) -> None:
        """See store.Store."""
        number, outcome = (done[0], done[1].model_dump_json()) if done else (0, "")
        held = await self._save(
            keys=[_job(job.id), _outcomes(job.id), _audio(job.id, number), OPEN],
            args=[
                lease,
                job.model_dump_json(),
                self.keep if job.ended else int(job.created + 2 * self.keep - time.time()),
                number,
                outcome,
                job.id if job.ended else "",
            ],
        )
        if not held:
            raise Gone

    async def delete(self, id: str) -> None:
        """See store.Store."""
        job = await self.get(id)
        audio = [_audio(id, number) for number in range(job.files if job else 0)]
        async with self.redis.pipeline(transaction=True) as pipe:
            await pipe.delete(_job(id), _outcomes(id), *audio).hdel(OPEN, id).execute()

    async def unfinished(self, owner: str | None = None) -> int:
        """See store.Store."""
        owners = [known for known in await self.redis.hvals(OPEN) if known]
        return len(owners) if owner is None else owners.count(owner.encode())

    async def run(self, step: Step, parallel: int) -> None:
        """See store.Store."""

        async def work(context: Any, *, id: str) -> None:
            async with self._alive(context["job"]):
                context["pause"] = await step(id)
            if context["pause"] is None:
                await self.redis.hdel(OPEN, id)

        async def after(context: Any) -> None:
            if context.get("pause") is not None:
                await self._offer(context["job"].key, int(time.time() + context["pause"]) + 1)

        worker: Worker[Any] = Worker(
            self.turns,
            [("step", work)],
            concurrency=parallel,
            after_process=after,
            timers={"sweep": max(1, self.patience // 3)},  # type: ignore[arg-type]  # the others have defaults
        )
        worker.SIGNALS = []  # the server handles them
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.start())
            tasks.create_task(self._offer_all())

    async def _offer(self, id: str, at: int = 0) -> None:
        """Have the job's next step done at this time, unless that is arranged already."""
        await self.queue.enqueue(
            "step",
            key=id,
            id=id,
            scheduled=at,
            timeout=0,
            heartbeat=self.patience,
            retries=WITHOUT_END,
            retry_delay=AGAIN,
            ttl=-1,
        )

    async def _offer_all(self) -> None:
        while True:
            try:
                for id in await self.redis.hkeys(OPEN):
                    await self._offer(id.decode())
            except RedisError:
                logger.warning("Redis cannot be reached: jobs wait")
            await asyncio.sleep(self.patience)

    @asynccontextmanager
    async def _alive(self, turn: Turn) -> AsyncIterator[None]:
        """Give signs of life while the block lasts."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self.patience / 3)
                try:
                    await turn.update()
                except RedisError:
                    logger.warning("Redis cannot be reached: another gateway may take a job of this one")

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()


def _job(id: str) -> str:
    return f"{PREFIX}:job:{id}"


def _outcomes(id: str) -> str:
    return f"{PREFIX}:outcomes:{id}"


def _audio(id: str, number: int) -> str:
    return f"{PREFIX}:audio:{id}:{number}"
