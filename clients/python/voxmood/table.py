"""A table of analyses, a row for each file, as CSV, JSON Lines or Parquet: all three read back as they were written.

Cells of a CSV that a spreadsheet would take for formulas get an apostrophe before them: transcripts and file names
are written by strangers (OWASP, "CSV Injection"). Not done here: analysing, and collecting rows while it goes on.
"""

import contextlib
import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from voxmood.models import Frozen, Label, Sentence


class Row(Frozen):
    """What became of one file. What is not known is None: of a refused file all but the first five and the last two."""

    model_config = ConfigDict(extra="forbid")  # a table with more columns is somebody's work: it is not written over

    path: str  # below the folder, with slashes
    speaker: str | None  # the first folder below it
    recorded: datetime  # by the clock on the wall
    size: int  # bytes
    modified: datetime  # UTC; with the size, how a changed file is told
    duration: float | None = None  # seconds
    language: str | None = None
    verdict: Label | None = None
    confidence: float | None = None
    hard_to_say: bool | None = None
    score: float | None = None
    transcript: str | None = None
    sentences: list[Sentence] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    problem: str | None = None  # a code of docs/api.md
    detail: str | None = None  # the same in words


class TableError(Exception):
    """A table that cannot be read or written; the message says what to do."""


COLUMNS = list(Row.model_fields)
LISTS = ("sentences", "warnings")  # JSON in the cells of a CSV
WORDS = {"sentences": {"__all__": {"words"}}}  # weights of words are not kept

# Where a cell begins, also for a spreadsheet that takes semicolons or tabs for separators, and what begins a formula.
FORMULA = r"(?<![^;\t\r\n]){}(?='*[=+\-@\t\r＝＋－＠])"
ARMOUR, DISARM = re.compile(FORMULA.format("")), re.compile(FORMULA.format("'"))


def dump(row: Row) -> str:
    """A line of JSON."""
    return row.model_dump_json(exclude=WORDS)


def _to_jsonl(rows: list[Row]) -> bytes:
    return "".join(f"{dump(row)}\n" for row in rows).encode()


def _from_jsonl(content: bytes) -> list[Row]:
    return [Row.model_validate_json(line) for line in content.splitlines()]


def _to_csv(rows: list[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows:
        cells = row.model_dump(mode="json", exclude=WORDS)
        cells |= {name: json.dumps(cells[name], ensure_ascii=False) for name in LISTS}
        writer.writerow(
            {name: ARMOUR.sub("'", cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
        )
    return out.getvalue().encode("utf-8-sig")  # without the mark, Excel takes Cyrillic for another alphabet


def _from_csv(content: bytes) -> list[Row]:
    csv.field_size_limit(2**31 - 1)  # a long recording has many sentences
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    if next(lines) != COLUMNS:
        raise ValueError("other columns")
    rows = []
    for line in lines:
        cells: dict[str, Any] = {n: DISARM.sub("", cell) or None for n, cell in zip(COLUMNS, line, strict=True)}
        cells |= {name: json.loads(cells[name] or "") for name in LISTS}
        rows.append(Row.model_validate(cells))
    return rows


def _to_parquet(rows: list[Row]) -> bytes:
    arrow, parquet = _pyarrow()
    sentence = {
        "text": arrow.string(),
        "start": arrow.float64(),
        "end": arrow.float64(),
        "verdict": arrow.string(),
        "confidence": arrow.float64(),
        "hard_to_say": arrow.bool_(),
        "score": arrow.float64(),
    }
    types = dict.fromkeys(COLUMNS, arrow.string()) | {
        "recorded": arrow.timestamp("us"),
        "size": arrow.int64(),
        "modified": arrow.timestamp("us", "UTC"),
        "duration": arrow.float64(),
        "confidence": arrow.float64(),
        "hard_to_say": arrow.bool_(),
        "score": arrow.float64(),
        "sentences": arrow.list_(arrow.struct(sentence)),
        "warnings": arrow.list_(arrow.string()),
    }
    table = arrow.Table.from_pylist([row.model_dump(exclude=WORDS) for row in rows], arrow.schema(types))
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def _from_parquet(content: bytes) -> list[Row]:
    _, parquet = _pyarrow()
    return [Row.model_validate(row) for row in parquet.read_table(io.BytesIO(content)).to_pylist()]


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise TableError("Parquet needs another package: pip install 'voxmood[parquet]', or choose .csv") from error
    return pyarrow, pyarrow.parquet


FORMATS: dict[str, tuple[Callable[[list[Row]], bytes], Callable[[bytes], list[Row]]]] = {
    ".csv": (_to_csv, _from_csv),
    ".jsonl": (_to_jsonl, _from_jsonl),
    ".parquet": (_to_parquet, _from_parquet),
}


def check(path: Path) -> None:
    """Raise TableError if a table cannot be written under this name."""
    if path.suffix not in FORMATS:
        raise TableError(f"{path} is no table: end its name in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise TableError(f"there is no folder {path.parent}: make it first")
    if path.suffix == ".parquet":
        _pyarrow()


def read(path: Path) -> list[Row]:
    """The rows of a table. Raises TableError."""
    check(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return FORMATS[path.suffix][1](content) if content else []
    except (ValueError, OSError, csv.Error, StopIteration) as error:  # pydantic's and pyarrow's are of these kinds
        raise TableError(f"{path} holds something else than results of voxmood, or is damaged") from error


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a table in place of what was there, whole or not at all. Raises TableError."""
    check(path)
    replace(path, FORMATS[path.suffix][0](list(rows)))


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever reads it meanwhile. Raises TableError."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # before the journal is cleared, which holds the same
        new.replace(path)
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
