"""One page about a table of analyses: mood over time and by speaker, the worst moments, what could not be analysed.

A single file without scripts, that loads nothing and may be printed. What strangers said or named is escaped, and the
page's policy would let nothing of it run. Not done here: reading tables, and drawing (plots.py).
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean

from voxmood.models import Sentence
from voxmood.sentences import clock
from voxmood.table import Row, TableError

FOLDER = Path(__file__).parent
DOTS = 500  # of more recordings, one of so many gets a dot: the cloud is the same, the page is smaller
UNITS = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
MEANS = 60  # at most, of
EACH = 3  # recordings at least, on average
BARS = 20
MOMENTS = 20
FAILURES = 200
GENERATOR = b'<meta name="generator" content="voxmood report">'
NOBODY = "(no folder)"


@dataclass(frozen=True)
class Group:
    """Analysed recordings that have something in common; `score` is the mean of theirs, in [-1, 1]."""

    name: str
    rows: Sequence[Row]

    @property
    def score(self) -> float:
        """The mean."""
        return mean(row.score or 0 for row in self.rows)

    @property
    def seconds(self) -> float:
        """How long they are together."""
        return sum(row.duration or 0 for row in self.rows)

    @property
    def moods(self) -> dict[str, int]:
        """How many there are of each."""
        verdicts = [row.verdict for row in self.rows]
        return {mood: verdicts.count(mood) for mood in ("negative", "neutral", "positive")}

    @property
    def middle(self) -> datetime:
        """The mean of their times: a group of one is where that one is."""
        first = self.rows[0].recorded
        return first + sum((row.recorded - first for row in self.rows), timedelta()) / len(self.rows)


def groups(pairs: Iterable[tuple[str, Row]]) -> list[Group]:
    """Rows by their names, in the order of these."""
    found: dict[str, list[Row]] = {}
    for name, row in pairs:
        found.setdefault(name, []).append(row)
    return [Group(name, found[name]) for name in sorted(found)]


def by_time(rows: Sequence[Row]) -> tuple[str, list[Group]]:
    """The rows by hour, day, week or month, and which of them: the finest whose means say more than single rows."""
    for unit in UNITS:
        found = groups((beginning(row.recorded, unit), row) for row in rows)
        if len(found) <= MEANS and len(found) * EACH <= len(rows):
            break
    return unit, found


def beginning(when: datetime, unit: str) -> str:
    """Of its hour, day, week (Monday) or month, so that names are in order."""
    day = when - timedelta(days=when.weekday()) if unit == "week" else when
    return day.strftime(UNITS[unit])


def moments(rows: Iterable[Row]) -> list[tuple[Row, Sentence]]:
    """The sentences with the lowest scores, without those whose mood is a guess."""
    said = [(row, s) for row in rows for s in row.sentences if s.verdict == "negative" and not s.hard_to_say]
    return sorted(said, key=lambda pair: pair[1].score)[:MOMENTS]


def render(rows: Sequence[Row], title: str) -> str:
    """The page. Raises TableError if what it needs is not installed."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        from voxmood import plots
    except ImportError as error:
        raise TableError("A report needs more packages: pip install 'voxmood[report]'") from error
    judged = Group("all", [row for row in rows if row.score is not None])
    unit, times = by_time(judged.rows) if judged.rows else ("", [])
    speakers = sorted(groups((row.speaker or NOBODY, row) for row in judged.rows), key=lambda group: group.score)
    largest = sorted(speakers, key=lambda group: -len(group.rows))[:BARS]
    step = 1 + len(judged.rows) // DOTS
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    page = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters |= {"clock": clock, "length": length}
    return page.get_template("report.html").render(
        title=title,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        rows=rows,
        judged=judged,
        silent=[row for row in rows if row.score is None and not row.problem],
        failed=[row for row in rows if row.problem],
        failures=FAILURES,
        unit=unit,
        times=times,
        step=step,
        speakers=speakers,
        bars=len(largest),
        moments=moments(judged.rows),
        time_plot=plots.over_time(
            [(row.recorded, row.score or 0, row.verdict or "") for row in judged.rows[::step]],
            [(g.middle, g.score) for g in times],
        ),
        speaker_plot=plots.by_speaker([(g.name, g.moods) for g in speakers if g in largest]),
    )


def length(seconds: float) -> str:
    """Of many recordings: 4980 -> 1.4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
