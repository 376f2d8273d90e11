"""The page of `voxmood report`: what it says, and that nothing a stranger said or named can do anything in it."""

import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from typer.testing import CliRunner, Result

import voxmood
from tools.browser import chromium
from voxmood import Label, Sentence
from voxmood.cli import app
from voxmood.report import render
from voxmood.table import Row, TableError, write

SCORES: dict[Label, float] = {"negative": -0.8, "neutral": 0.0, "positive": 0.7}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}</title>"


def recording(
    path: str, when: datetime, mood: Label | None, text: str = "", problem: str | None = None, guess: bool = False
) -> Row:
    """A recording of ten seconds that says the same sentence, if any, at 1:23."""
    score = SCORES.get(mood) if mood else None
    said = mood and Sentence(
        text=text, start=83.4, end=85.0, verdict=mood, confidence=0.8, score=score or 0, hard_to_say=guess
    )
    return Row(
        path=path,
        speaker=path.split("/")[0] if "/" in path else None,
        recorded=when,
        size=1,
        modified=when.replace(tzinfo=UTC),
        duration=None if problem else 600.0,
        language=None if problem else "en",
        verdict=mood,
        score=score,
        sentences=[said] if said else [],
        problem=problem,
        detail=problem and "this is not audio: send a recording",
    )


MARCH = datetime(2026, 3, 2, 9)
ROWS = [
    recording("anna/a.ogg", MARCH, "positive", "I got the job!"),
    recording("anna/b.ogg", MARCH + timedelta(days=1), "negative", "They stole my camera."),
    recording("борис/в.ogg", MARCH + timedelta(days=1), "negative", "Весь вечер испорчен."),
    recording("борис/г.ogg", MARCH + timedelta(days=2), "negative", "Who knows what that means.", guess=True),
    recording("silent.ogg", MARCH, None),
    recording("anna/broken.ogg", MARCH, None, problem="not_audio"),
]


class Page(HTMLParser):
    """The elements of a page, and the text of its cells, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.lines: list[list[str]] = []
        self.text = ""
        self.in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.lines.append([])
        if tag in ("td", "th"):
            self.lines[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.lines[-1][-1] += data.strip()


def test_it_counts_and_shows_the_worst_moments() -> None:
    page = Page(render(ROWS, "voices"))
    assert ["2026-03-02", "4", "40 min", "3", "0", "1", "-0.43"] in page.lines, "a week, by its Monday"
    speakers = [line for line in page.lines if line[0] in ("anna", "борис")]
    assert speakers == [
        ["борис", "2", "20 min", "2", "0", "0", "-0.80"],
        ["anna", "2", "20 min", "1", "0", "1", "-0.05"],
    ]
    assert ["They stole my camera.", "anna/b.ogg", "1:23", "-0.80"] in page.lines
    assert ["Весь вечер испорчен.", "борис/в.ogg", "1:23", "-0.80"] in page.lines
    assert "Who knows" not in page.text, "a guess is no worst moment"
    assert ["anna/broken.ogg", "this is not audio: send a recording", "not_audio"] in page.lines
    plots = [attrs["aria-label"] for tag, attrs in page.elements if attrs.get("role") == "img"]
    assert len(plots) == 2
    assert len([tag for tag, _ in page.elements if tag == "svg"]) == 2


def test_what_strangers_say_and_name_stays_text() -> None:
    rows = [recording(f"{HOSTILE}/{HOSTILE}.ogg", MARCH, "negative", HOSTILE), ROWS[0]]
    rows.append(recording(f"{HOSTILE}/b.ogg", MARCH, None, problem="not_audio"))
    html = render(rows, HOSTILE)
    page = Page(html)
    assert page.text.count(HOSTILE) >= 6, "the title, the plot, a speaker, a moment and its file, a failure"
    assert not {"script", "img", "iframe", "link", "base", "form", "object"} & {tag for tag, _ in page.elements}
    assert [
        name
        for _, attrs in page.elements
        for name in attrs
        if name.startswith("on") or name in ("style", "src", "href")
    ] == []
    policy = next(attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert html.index("Content-Security-Policy") < html.index("<title>")


@pytest.mark.parametrize(("days", "unit"), [(0, "hour"), (20, "day"), (300, "week"), (3000, "month")])
def test_any_span_of_time_has_tens_of_means_at_most(days: int, unit: str) -> None:
    rows = [recording(f"a/{n}.ogg", MARCH + timedelta(days=days * n / 1200), "neutral", "Six.") for n in range(1200)]
    html = render(rows, "voices")
    assert f"the mean of each {unit}, a dot a recording of every 3." in html
    assert len(html) < 200_000


def test_nothing_analysed_is_a_page_too() -> None:
    assert "<svg" not in render([], "voices")
    assert "anna/broken.ogg" in render(ROWS[-1:], "voices")


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_command_reads_all_formats_and_writes_over_its_own_pages_only(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    for suffix in (".csv", ".jsonl", ".parquet"):
        write(tmp_path / f"voices{suffix}", ROWS)
        done = report(tmp_path / f"voices{suffix}", "--out", page)
        assert done.exit_code == 0, done.stderr
        assert page.read_text(encoding="utf-8") == render(ROWS, "voices")
    (tmp_path / "index.html").write_text("<p>my page")
    (tmp_path / "letters.csv").write_text("name,phone\n")
    for wrong, problem in [
        ((tmp_path / "voices.csv", "--out", tmp_path / "index.html"), "no report"),
        ((tmp_path / "voices.csv", "--out", tmp_path / "voices.csv"), ".html"),
        ((tmp_path / "letters.csv", "--out", page), "something else"),
        ((tmp_path / "nothing.csv", "--out", page), "No such file"),
    ]:
        done = report(*wrong)
        assert done.exit_code == 2
        assert problem in done.stderr
    assert (tmp_path / "index.html").read_text() == "<p>my page"


@pytest.mark.parametrize(("absent", "extra"), [("vl_convert", "report"), ("jinja2", "report"), ("pyarrow", "parquet")])
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, absent: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.delitem(sys.modules, "voxmood.plots", raising=False)
    monkeypatch.delattr(voxmood, "plots", raising=False)
    with pytest.raises(TableError, match=rf"pip install 'voxmood\[{extra}\]'"):
        write(tmp_path / "a.parquet", []) if extra == "parquet" else render(ROWS, "voices")


def test_a_browser_shows_it_to_everybody_and_runs_and_loads_nothing(tmp_path: Path) -> None:
    rows = [recording(f"{HOSTILE}/{HOSTILE}.ogg", MARCH, "negative", HOSTILE), *ROWS]
    (tmp_path / "report.html").write_text(render(rows, HOSTILE), encoding="utf-8")
    address = (tmp_path / "report.html").as_uri()
    asked: list[str] = []
    complaints: list[str] = []
    colours = set()
    with chromium() as browser:
        for scheme, width in (("light", 1100), ("dark", 360)):
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda said: complaints.append(said.text))
            page.goto(address)
            page.get_by_text("As a table").click()
            found = Axe().run(page).response["violations"]
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways"
            fill = "getComputedStyle(document.querySelector('.role-legend-symbol path')).fill"
            colours.add(page.evaluate(fill))
    assert len(colours) == 2, "plots are light or dark as the page"
    assert asked == [address] * 2
    assert complaints == []
