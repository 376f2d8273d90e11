"""A folder to a table, as a user runs it: a process that is killed and run again, against the real services."""

import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.e2e.test_cli import COMMAND, voxmood
from tools.stack import Urls
from voxmood.cli import app
from voxmood.table import read, write


@pytest.fixture
def folder(tmp_path: Path, voices: dict[str, bytes]) -> Path:
    """Three speakers, with what else lies about in such a folder."""
    said = {
        "anna/2026-03-04 job.ogg": voices["en-positive-job"],
        "anna/2026-03-05 birthday.ogg": voices["en-negative-birthday"],
        "борис/встреча.ogg": voices["ru-neutral-meeting"],
        "борис/телефон.OGG": voices["ru-negative-phone"],
        "cleo/deep/keys.ogg": voices["en-neutral-keys"],
        "cleo/broken.ogg": b"not audio",
        "cleo/notes.txt": b"not to be sent",
        ".trash/anna.ogg": voices["en-positive-job"],
        "train.ogg": voices["en-neutral-train"],
    }
    for name, content in said.items():
        (tmp_path / "voices" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "voices" / name).write_bytes(content)
    return tmp_path / "voices"


MARK = ["known"]


def mark(path: Path) -> set[str]:
    """Mark all rows of a table, so that those that are analysed again can be told; return their paths."""
    rows = [row.model_copy(update={"warnings": MARK}) for row in read(path)]
    write(path, rows)
    return {row.path for row in rows}


def stop_at_the_first_row(with_signal: int, *arguments: str, urls: Urls) -> int:
    """Run the command on a terminal, stop it as soon as its bar tells of a file that is done; return the exit code."""
    master, slave = pty.openpty()
    env = {"VOXMOOD_ASR_URL": urls.asr, "VOXMOOD_SENTIMENT_URL": urls.sentiment, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([COMMAND, *arguments], stderr=slave, env={**os.environ, **env})
    os.close(slave)
    shown = b""
    while not re.search(rb"[1-9]/\d", shown):
        shown += os.read(master, 10_000)
    process.send_signal(with_signal)
    code = process.wait()
    os.close(master)
    return code


def test_a_run_that_is_killed_goes_on(stack: Urls, tmp_path: Path, folder: Path) -> None:
    out, journal = tmp_path / "moods.csv", tmp_path / "moods.csv.partial.jsonl"
    command = ("analyze", str(folder), "--out", str(out))
    assert stop_at_the_first_row(signal.SIGKILL, *command, "--workers", "1", urls=stack) == -signal.SIGKILL
    assert stop_at_the_first_row(signal.SIGINT, *command, "--workers", "1", urls=stack) == 130
    assert not out.exists()
    marked = mark(journal)
    assert 0 < len(marked) < 7
    with journal.open("ab") as file:
        file.write(b'{"path": "train.ogg", "spea')  # as a full disk leaves it

    done = voxmood(*command, urls=stack)
    assert done.returncode == 1, done.stderr
    assert "cleo/broken.ogg: " in done.stderr
    assert "6 of 7 files analysed" in done.stderr
    assert not journal.exists()
    assert {row.path for row in read(out) if row.warnings == MARK} == marked, (
        "these, and only these, were not asked again"
    )

    rows = {row.path: row.model_copy(update={"warnings": []}) for row in read(out)}
    assert rows["cleo/broken.ogg"].problem == "not_audio"
    assert [(row.speaker, row.verdict) for row in rows.values() if not row.problem] == [
        ("anna", "positive"),
        ("anna", "negative"),
        ("cleo", "neutral"),
        (None, "neutral"),
        ("борис", "neutral"),
        ("борис", "negative"),
    ]
    assert str(rows["anna/2026-03-04 job.ogg"].recorded) == "2026-03-04 00:00:00"
    assert "birthday" in rows["anna/2026-03-05 birthday.ogg"].sentences[0].text

    whole = tmp_path / "moods.parquet"
    assert voxmood("analyze", str(folder), "--out", str(whole), "--workers", "3", urls=stack).returncode == 1
    assert read(whole) == list(rows.values())

    (folder / "cleo" / "broken.ogg").unlink()
    (folder / "train.ogg").touch()
    every = mark(whole)
    assert voxmood("analyze", str(folder), "--out", str(whole), urls=stack).returncode == 0
    assert {row.path for row in read(whole) if row.warnings == MARK} == every - {"train.ogg"}, "the file that changed"


def test_a_table_that_cannot_be_is_refused_before_any_work(tmp_path: Path, folder: Path) -> None:
    def analyze(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["analyze", str(folder), *map(str, arguments)])

    (tmp_path / "letters.csv").write_text("name,phone\n")
    for out, problem in (("letters.csv", "something else"), ("moods.xlsx", ".parquet"), ("no/moods.csv", "no folder")):
        done = analyze("--out", tmp_path / out)
        assert done.exit_code == 2
        assert problem in done.stderr
    assert (tmp_path / "letters.csv").read_text() == "name,phone\n"
    for more in ("--json", "--explain", folder):
        assert analyze("--out", tmp_path / "moods.csv", more).exit_code == 2
    assert analyze("--workers", 2).exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letters.csv", "voices"]


def test_services_that_are_down_leave_no_rows(tmp_path: Path, folder: Path) -> None:
    done = voxmood("analyze", str(folder), "--out", str(tmp_path / "moods.csv"))
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["voices"]
