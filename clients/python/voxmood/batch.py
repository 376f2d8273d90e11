"""A folder of recordings to a table: several files at a time, and what is done stays done if the run is broken off.

Each row goes at once into a journal beside the table, OUT.partial.jsonl; at the end all rows replace the table, and the
journal goes. The next run with the same table analyses what neither of the two holds: files that are new, or of
another size or modification time (as rsync compares: nothing has to be read for it), and those that a service failed.
Not done here: the formats of tables (table.py), the analysis of one file (client.py).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from voxmood import files, table
from voxmood.client import Analyzer, GatewayClient
from voxmood.errors import BadAnswer, Busy, InvalidInput, TimedOut, Unauthorized, Unavailable, VoxmoodError
from voxmood.models import Analysis
from voxmood.table import COLUMNS, Row, TableError

# Problems that may pass: the next run tries these files again. All others are the files' own.
PASSING = {BadAnswer.code, TimedOut.code, Unavailable.code, files.UNREADABLE}


class Journal:
    """Rows on the disk as soon as they are known."""

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(f"{out.name}.partial.jsonl")

    def __enter__(self) -> Self:
        """Read what an earlier run left, but a line that was half written when it was killed. Raises TableError."""
        try:
            self.file = self.path.open("a+b")
            self.file.seek(0)
            self.file.truncate(self.file.read().rfind(b"\n") + 1)
        except OSError as error:
            raise TableError(f"{self.path} cannot be written: {error.strerror}") from error
        self.rows = table.read(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        """Keep it for the next run, unless there is nothing in it."""
        with contextlib.suppress(OSError):  # what could not be written was told by add()
            self.file.close()
        if not self.path.stat().st_size:
            self.path.unlink()

    def add(self, row: Row) -> None:
        """Write a row. Raises TableError."""
        try:
            self.file.write(f"{table.dump(row)}\n".encode())
            self.file.flush()
        except OSError as error:
            raise TableError(f"{self.path} cannot be written: {error.strerror}") from error

    def clear(self) -> None:
        """Forget all rows: they are in the table now."""
        self.file.truncate(0)


class Batch:
    """One run over the recordings below `folder`, in the order of their names, `workers` of them at a time."""

    def __init__(
        self, client: Analyzer | GatewayClient, folder: Path, out: Path, *, workers: int, language: str | None = None
    ) -> None:
        self.client, self.folder, self.out, self.workers, self.language = client, folder, out, workers, language
        self.rows: dict[str, Row] = {}  # by path
        self.failure: VoxmoodError | TableError | None = None  # what ends the run early

    async def run(self, show: Callable[[int, int], None]) -> list[Row]:
        """Analyse what is not done, write the table, and return the rows of the folder's files.

        `show` is told how many are done, of how many. Rows of files that are gone stay in the table. Raises TableError,
        and VoxmoodError for what would fail every file, such as a service that is down: what was done until then is in
        the journal.
        """
        known = table.read(self.out) if self.out.exists() else []
        with Journal(self.out) as journal:
            self.rows = {row.path: row for row in [*known, *journal.rows]}
            found = [(path, describe(self.folder, path)) for path in files.recordings(self.folder)]
            todo = [(path, row) for path, row in found if not self._is_done(row)]
            todo.sort(key=lambda pair: pair[1].path in self.rows)  # what failed before may fail the rest: it comes last
            if todo:
                await self.client.check_ready()
            done = len(found) - len(todo)
            show(done, len(found))

            def add(row: Row) -> None:
                nonlocal done
                self.rows[row.path] = row
                journal.add(row)
                done += 1
                show(done, len(found))

            queue = iter(todo)
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._work(queue, add))
            if self.failure:
                raise self.failure
            table.write(self.out, sorted(self.rows.values(), key=lambda row: row.path))
            journal.clear()
        return [self.rows[row.path] for _, row in found]

    def _is_done(self, row: Row) -> bool:
        known = self.rows.get(row.path)
        same = known and (known.size, known.modified) == (row.size, row.modified)
        return bool(known and same and known.problem not in PASSING)

    async def _work(self, queue: Iterator[tuple[Path, Row]], add: Callable[[Row], None]) -> None:
        """Take files from the queue that all workers share, until it is empty or one of them has met a failure."""
        for path, row in queue:
            try:
                add(await self._fill(path, row))
            except (VoxmoodError, TableError) as error:
                self.failure = error
            if self.failure:
                return

    async def _fill(self, path: Path, row: Row) -> Row:
        """The row of a file with what became of it. Raises VoxmoodError if the services fail every file."""
        try:
            audio = await asyncio.to_thread(files.read, path)
            return filled(row, await self._analyse(audio))
        except VoxmoodError as error:
            if isinstance(error, Unauthorized) or error.code == "unknown_language":
                raise  # so it would be with every file
            if not isinstance(error, InvalidInput):
                await self.client.check_ready()
            return row.model_copy(update={"problem": error.code, "detail": str(error)})

    async def _analyse(self, audio: bytes) -> Analysis:
        """Wait as long as the services are busy: they are there, and others are served."""
        while True:
            try:
                return await self.client.analyze_audio(audio, language=self.language)
            except Busy as busy:
                await asyncio.sleep(busy.retry_after or 1)


def describe(folder: Path, path: Path) -> Row:
    """What is known of a file before it is read."""
    below, stat = path.relative_to(folder), path.stat()
    # A name may hold bytes that are no UTF-8, and tables do not.
    name = below.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Row(
        path=name,
        speaker=name.split("/")[0] if "/" in name else None,
        recorded=files.recorded(path.name, stat.st_mtime),
        size=stat.st_size,
        modified=datetime.fromtimestamp(stat.st_mtime, UTC),
    )


def filled(row: Row, analysis: Analysis) -> Row:
    """The row of a file that was analysed."""
    told = {name: getattr(analysis, name) for name in COLUMNS if name in Analysis.model_fields}
    return row.model_copy(update={**told, "transcript": analysis.transcript or None})
