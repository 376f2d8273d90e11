"""Jobs of one gateway, in an SQLite file. A kill loses nothing: what was not written down is done again.

Audio is in the file too, so that a job is there or gone as a whole. Not done here: what a step is.
"""

import asyncio
import fcntl
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from voxmood_gateway.jobs.models import Outcome, Record
from voxmood_gateway.jobs.store import Gone, Step

logger = logging.getLogger("voxmood.jobs")
Result = TypeVar("Result")
TIDY = 60.0  # seconds between two looks for what has expired; also until a step that failed is tried again

SCHEMA = """
PRAGMA auto_vacuum = FULL;          -- the file shrinks when jobs go
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = ON;          -- what is deleted is overwritten
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    job TEXT NOT NULL,              -- a Record as JSON
    lease TEXT,
    ended INTEGER NOT NULL,
    open INTEGER NOT NULL,          -- whether there is something to do: analyses, or a webhook to tell
    expires REAL NOT NULL,          -- seconds since the epoch
    repeat TEXT UNIQUE
);
CREATE TABLE IF NOT EXISTS files (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number INTEGER NOT NULL,
    audio BLOB,
    outcome TEXT,                   -- an Outcome as JSON
    PRIMARY KEY (job, number)
);
"""


class Embedded:
    """See store.Store. When a step may be tried again is not written down: after a restart it is tried at once."""

    failures = sqlite3.Error

    def __init__(self, folder: Path, keep: float) -> None:
        self.folder, self.keep = folder, keep
        self.thread = ThreadPoolExecutor(1, "jobs")  # one statement at a time, and none in the way of requests
        self.news = asyncio.Event()
        self.due: dict[str, float] = {}  # jobs not to be touched before this time.monotonic()

    async def open(self) -> None:
        """See store.Store."""
        await self._do(self._open)

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends, however it does
        except BlockingIOError as error:
            self.lock.close()
            raise OSError("another gateway uses VOXMOOD_JOBS_DIR: set VOXMOOD_JOBS_REDIS_URL to share jobs") from error
        self.db = sqlite3.connect(self.folder / "jobs.sqlite3", check_same_thread=False)
        self.db.executescript(SCHEMA)

    async def close(self) -> None:
        """See store.Store."""
        await self._do(self.db.close)
        self.lock.close()
        self.thread.shutdown()

    async def add(self, job: Record, audio: Sequence[BinaryIO], repeat: str | None) -> Record:
        """See store.Store."""

        def write() -> Record:
            with self.db:
                self.db.execute("BEGIN IMMEDIATE")
                found = self.db.execute("SELECT job FROM jobs WHERE repeat = ?", (repeat,)).fetchone()
                if found:
                    return Record.model_validate_json(found[0])
                self.db.execute(
                    "INSERT INTO jobs VALUES (?, ?, ?, NULL, 0, 1, ?, ?)",
                    (job.id, job.owner, job.model_dump_json(), job.created + 2 * self.keep, repeat),
                )
                for number, file in enumerate(audio):
                    self.db.execute("INSERT INTO files VALUES (?, ?, ?, NULL)", (job.id, number, file.read()))
            return job

        kept = await self._do(write)
        self.news.set()
        return kept

    async def get(self, id: str) -> Record | None:
        """See store.Store."""
        rows = await self._read("SELECT job FROM jobs WHERE id = ?", id)
        return Record.model_validate_json(rows[0][0]) if rows else None

    async def outcomes(self, id: str) -> Mapping[int, Outcome]:
        """See store.Store."""
        rows = await self._read("SELECT number, outcome FROM files WHERE job = ? AND outcome IS NOT NULL", id)
        return {number: Outcome.model_validate_json(outcome) for number, outcome in rows}

    async def audio(self, id: str, number: int) -> bytes:
        """See store.Store."""
        rows = await self._read("SELECT audio FROM files WHERE job = ? AND number = ?", id, number)
        if not rows:
            raise Gone
        audio: bytes = rows[0][0]
        return audio

    async def take(self, id: str) -> tuple[Record, str]:
        """See store.Store."""
        lease = secrets.token_hex(8)
        rows = await self._write("UPDATE jobs SET lease = ? WHERE id = ? RETURNING job", lease, id)
        if not rows:
            raise Gone
        return Record.model_validate_json(rows[0][0]), lease

    async def save(self, job: Record, lease: str, done: tuple[int, Outcome] | None = None) -> None:
        """See store.Store."""

        def write() -> None:
            expires = (job.ended or job.created + self.keep) + self.keep
            with self.db:
                held = self.db.execute(
                    "UPDATE jobs SET job = ?, ended = ?, expires = ? WHERE id = ? AND lease = ?",
                    (job.model_dump_json(), job.ended is not None, expires, job.id, lease),
                )
                if not held.rowcount:
                    raise Gone
                if done:
                    number, outcome = done
                    self.db.execute(
                        "UPDATE files SET audio = NULL, outcome = ? WHERE job = ? AND number = ?",
                        (outcome.model_dump_json(), job.id, number),
                    )

        await self._do(write)

    async def delete(self, id: str) -> None:
        """See store.Store."""
        await self._write("DELETE FROM jobs WHERE id = ?", id)
        await self._forget()

    async def unfinished(self, owner: str | None = None) -> int:
        """See store.Store."""
        rows = await self._read("SELECT count(*) FROM jobs WHERE NOT ended AND owner = coalesce(?, owner)", owner)
        return int(rows[0][0])

    async def run(self, step: Step, parallel: int) -> None:
        """See store.Store."""
        running: set[str] = set()

        async def work(id: str) -> None:
            pause: float | None = TIDY
            try:
                pause = await step(id)
                if pause is None:
                    await self._write("UPDATE jobs SET open = 0 WHERE id = ?", id)
            except Exception:
                logger.exception("a step of a job failed")
            finally:
                self.due.pop(id, None)
                if pause is not None:
                    self.due[id] = time.monotonic() + pause
                running.discard(id)
                self.news.set()

        async with asyncio.TaskGroup() as tasks:
            while True:
                self.news.clear()
                try:
                    if await self._write("DELETE FROM jobs WHERE expires < ? RETURNING id", time.time()):
                        await self._forget()
                    rows = await self._read("SELECT id FROM jobs WHERE open ORDER BY rowid")
                except sqlite3.Error:
                    logger.exception("jobs cannot be read")
                    rows = []
                now = time.monotonic()
                waiting = [str(id) for (id,) in rows]
                self.due = {id: due for id, due in self.due.items() if id in waiting}
                for id in waiting:
                    if len(running) < parallel and id not in running and self.due.get(id, 0) <= now:
                        running.add(id)
                        tasks.create_task(work(id))
                pause = min([TIDY, *(due - now for due in self.due.values() if due > now)])
                try:
                    async with asyncio.timeout(pause):
                        await self.news.wait()
                except TimeoutError:
                    continue

    async def _forget(self) -> None:
        """Nothing that was deleted stays in the write-ahead log either."""
        await self._read("PRAGMA wal_checkpoint(TRUNCATE)")

    async def _read(self, statement: str, *values: object) -> list[Any]:
        return await self._do(lambda: self.db.execute(statement, values).fetchall())

    async def _write(self, statement: str, *values: object) -> list[Any]:
        def write() -> list[Any]:
            with self.db:
                return self.db.execute(statement, values).fetchall()

        return await self._do(write)

    async def _do(self, what: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.thread, what)
