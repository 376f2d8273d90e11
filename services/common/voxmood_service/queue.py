"""A few pieces of work at a time, in threads, behind a bounded queue that clients can leave.

More inferences at once than cores to do them gain nothing: they only make the worst wait longer. More work than one
process can do wants more processes. Not done here: the work.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.requests import Request

from voxmood_service.problems import Busy, HungUp
from voxmood_service.stages import SECONDS, span

T = TypeVar("T")


class Turns:
    """First come, first served: `workers` at work, at most `waiting` behind them, the rest are refused as Busy."""

    def __init__(self, waiting: int, registry: CollectorRegistry, workers: int = 1) -> None:
        self.workers = workers
        self.places = waiting + workers
        self.taken = 0
        self.typical = 1.0  # seconds a piece of work takes: a moving average
        self.turn = asyncio.Semaphore(workers)
        self.pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="inference")
        self.length = Gauge("voxmood_queue_length", "Requests at work or waiting", registry=registry)
        self.length.set_function(lambda: self.taken)
        limit = Gauge("voxmood_queue_limit", "Most requests at work or waiting", registry=registry)
        limit.set(self.places)
        self.waited = Histogram("voxmood_wait_seconds", "Time in the queue", registry=registry, buckets=SECONDS)
        self.worked = Histogram("voxmood_work_seconds", "Time at work", registry=registry, buckets=SECONDS)

    async def run(self, request: Request, work: Callable[[threading.Event], T]) -> T:
        """Do `work` when its turn comes and return its result.

        The event given to `work` is set when the client hangs up: work that can should then end early. The
        request's body must have been read. Raises Busy if no place is free, HungUp if the client went away.
        """
        with self._place() as spent:
            return await unless_hung_up(request, self._take_turn(work, spent))

    async def steps(self, work: Generator[T, None, T]) -> AsyncIterator[T]:
        """Do long work from one `yield` to the next, each time in a turn of its own; give what it yields and returns.

        So short work need not wait for all of a long one. The place is kept from the first step to the last: who
        iterates must go on at once, and cancels where no further step is wanted (`unless_hung_up`). Raises Busy.
        """
        with self._place() as spent, closing(work):
            done = False
            while not done:
                result, done = await self._take_turn(lambda _: _step(work), spent)
                yield result

    @contextmanager
    def _place(self) -> Iterator[list[float]]:
        """A place in the queue, and a list for the seconds of its turns."""
        if self.taken >= self.places:
            raise Busy("the queue is full: try again later", retry_after=self.typical * self.taken / self.workers)
        self.taken += 1
        spent: list[float] = []
        try:
            yield spent
        finally:
            self.taken -= 1
            if spent:
                self.typical += 0.2 * (sum(spent) - self.typical)

    async def _take_turn(self, work: Callable[[threading.Event], T], spent: list[float]) -> T:
        queued = time.perf_counter()
        stop = threading.Event()
        with span("queue"):
            await self.turn.acquire()
        try:
            started = time.perf_counter()
            self.waited.observe(started - queued)
            # In the context of the request, so that what the thread logs and traces is known to be a part of it.
            job = asyncio.get_running_loop().run_in_executor(self.pool, copy_context().run, work, stop)
            try:
                return await asyncio.shield(job)
            finally:
                # A thread cannot be interrupted: the next turn begins when this one has really ended.
                stop.set()
                await asyncio.wait([job])
                spent.append(time.perf_counter() - started)
                self.worked.observe(spent[-1])
        finally:
            self.turn.release()


def _step(work: Generator[T, None, T]) -> tuple[T, bool]:
    """What the work yields or, with True, returns."""
    try:
        return next(work), False
    except StopIteration as end:
        return end.value, True


async def unless_hung_up(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, but cancel it and raise HungUp if the client goes away. The request's body must have been read."""
    answer = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait([answer, left], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise HungUp("the client hung up before its answer was ready")
    finally:
        left.cancel()
        answer.cancel()
        await asyncio.wait([answer, left])


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
