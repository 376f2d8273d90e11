"""What a place that keeps jobs has to do. There are two: sqlite.py for one gateway, shared.py for several.

A job is worked on by who holds its lease. Taking a job gives a new lease and ends the one before, so that a worker
that was thought dead, and is not, can write nothing any more: each file gets one outcome.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import BinaryIO, Protocol

from voxmood_gateway.jobs.models import Outcome, Record

Step = Callable[[str], Awaitable[float | None]]
"""Do what is due of the job with this id. Gives the seconds until there is more to do, None: there is nothing more."""


class Gone(Exception):
    """The job was deleted, or another worker has taken it."""


class Store(Protocol):
    """Keeps jobs. Every method may raise one of `failures`; then it has changed nothing that can be seen."""

    @property
    def failures(self) -> type[Exception]:
        """What is raised where it cannot be read or written."""

    async def open(self) -> None:
        """Begin. Raises OSError."""

    async def close(self) -> None:
        """End."""

    async def add(self, job: Record, audio: Sequence[BinaryIO], repeat: str | None) -> Record:
        """Keep a new job until it is deleted or expires. If one with this `repeat` is there, it is given instead."""

    async def get(self, id: str) -> Record | None:
        """The job."""

    async def outcomes(self, id: str) -> Mapping[int, Outcome]:
        """Its outcomes so far, by number of the file."""

    async def audio(self, id: str, number: int) -> bytes:
        """A file that has no outcome yet. Raises Gone."""

    async def take(self, id: str) -> tuple[Record, str]:
        """The job and a new lease. Raises Gone."""

    async def save(self, job: Record, lease: str, done: tuple[int, Outcome] | None = None) -> None:
        """Write the job, and the outcome of the file with this number, whose audio is deleted. Raises Gone."""

    async def delete(self, id: str) -> None:
        """Forget the job and everything of it."""

    async def unfinished(self, owner: str | None = None) -> int:
        """How many jobs, of this owner, have not ended. One whose webhook is still to be told has."""

    async def run(self, step: Step, parallel: int) -> None:
        """Until cancelled: do each job's steps, so many jobs at a time, again after a failure or a death."""
