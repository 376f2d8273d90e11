"""Decoding where it can do no harm: in processes with little memory and time, which can open nothing.

A file comes from anyone, and FFmpeg, which reads it, is a million lines of C. A worker that crashes, or takes more
than it may, is killed and replaced; the request gets an error and the service goes on. Not done here: decoding itself,
see audio.py.
"""

import asyncio
import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Lock
from typing import TypeVar

import av
from pebble import ProcessExpired, ProcessPool
from prometheus_client import CollectorRegistry, Counter

from voxmood_asr import audio
from voxmood_asr.audio import RATE, Clip
from voxmood_asr.errors import UnreadableAudio

HEADROOM = 300_000_000  # bytes of address space beside the file and its samples
COPIES = 4  # of the file and of its samples, on their way in, through and out
SECONDS = 3.0  # of a processor, for a file however short
REALTIME = 50.0  # seconds of sound that a slow codec on a slow machine gives in a second of a processor
PATIENCE = 4.0  # wall seconds for each second of a processor: others want it too

T = TypeVar("T")


class Decoder:
    """`probe` and `decode` of audio.py, in processes of their own; `workers` at a time."""

    def __init__(self, workers: int, max_bytes: int, max_seconds: float, registry: CollectorRegistry) -> None:
        self.max_seconds = max_seconds
        self.killed = Counter("voxmood_decoders_killed", "Decoders that a file brought down", registry=registry)
        context = multiprocessing.get_context("forkserver")  # a fork of this process would inherit its threads' locks
        context.set_forkserver_preload([__name__])
        memory = HEADROOM + COPIES * (max_bytes + int(2 * RATE * max_seconds))
        self.new_pool = partial(ProcessPool, workers, initializer=confine, initargs=[memory], context=context)
        self.pool, self.lock = self.new_pool(), Lock()

    def start(self) -> None:
        """Start the workers, so that the first file need not wait for them."""
        with suppress(UnreadableAudio):
            self.decode(b"")

    async def probe(self, data: bytes) -> float | None:
        """As audio.probe. Raises UnreadableAudio too where the file brings its worker down."""
        with self._survived():
            return await asyncio.wrap_future(self._schedule(SECONDS, audio.probe, data))

    def decode(self, data: bytes) -> Clip:
        """As audio.decode. Raises UnreadableAudio too where the file brings its worker down."""
        with self._survived():
            return self._schedule(SECONDS + self.max_seconds / REALTIME, audio.decode, data).result()

    def close(self) -> None:
        """Kill the workers."""
        self.pool.stop()  # type: ignore[no-untyped-call]
        self.pool.join()

    def _schedule(self, cpu_seconds: float, work: Callable[[bytes, float], T], data: bytes) -> "Future[T]":
        with self.lock:
            if not self.pool.active:  # it could not start a worker: the machine may have had no room for one
                self.pool = self.new_pool()
        task = [cpu_seconds, work, data, self.max_seconds]
        return self.pool.schedule(limited, task, timeout=PATIENCE * cpu_seconds)

    @contextmanager
    def _survived(self) -> Iterator[None]:
        try:
            yield
        except (ProcessExpired, TimeoutError, MemoryError) as error:
            self.killed.inc()
            raise UnreadableAudio(
                "the file takes more time or memory to read than a recording does: send it as ogg, mp3 or m4a"
            ) from error


def confine(memory: int) -> None:
    """Give up, for the rest of this process's life, whatever decoding does not need. `memory` is in bytes."""
    for module in walk_packages(av.__path__, "av."):  # what is imported later could not be opened
        if not module.name.endswith("__main__"):
            import_module(module.name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then closes its decoders
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NOFILE: 1}
    if sys.platform == "linux":
        memory += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out all the same: not the service
        limits[resource.RLIMIT_AS] = memory
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))


def limited(cpu_seconds: float, work: Callable[[bytes, float], T], data: bytes, max_seconds: float) -> T:
    """Do the work; the process dies (SIGXCPU) when it takes more seconds of a processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + cpu_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    return work(data, max_seconds)
