"""The site builds without a warning, needs nothing from elsewhere, and names every setting and every endpoint."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsStreaming

from tools.stack import ROOT
from voxmood_asr import app as asr
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_gateway import app as gateway
from voxmood_gateway.settings import Settings as GatewaySettings
from voxmood_sentiment import app as sentiment
from voxmood_sentiment.settings import Settings as SentimentSettings

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as strictly as `make lint` makes it."""
    (options,) = re.findall(r"^SITE = python (-m sphinx .*) build/site$", (ROOT / "Makefile").read_text(), re.M)
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run([sys.executable, *options.split(), folder], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder


class Needs(HTMLParser):
    """What a page loads without being asked, and whether its pictures say what they show."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.mute: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag != "a":
            self.loaded += [values[name] for name in ("src", "href", "srcset", "data") if name in values]
        if tag == "img" and not values.get("alt"):
            self.mute.append(values["src"])


def test_the_site_needs_nothing_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert {site / "index.html", site / "docs/index.html", site / "docs/api.html"} <= {*pages}
    for page in pages:
        needs = Needs()
        needs.feed(page.read_text())
        outside = [url for url in needs.loaded if re.match(r"(\w+:)?//|http", url)]
        assert (outside, needs.mute) == ([], []), page
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"@import|url\([\"']?(?:https?:)?//", sheet.read_text()), sheet


def test_formulas_are_read_by_browsers_themselves(site: Path) -> None:
    ladder = (site / "docs/ladder.html").read_text()
    assert ladder.count("<math ") > 20
    assert "\\frac" not in ladder


def test_every_setting_has_its_row(site: Path) -> None:
    page = (site / "docs/settings.html").read_text()
    listed = re.findall(r"^#?((?:VOXMOOD|TELEGRAM)_\w+)=", (ROOT / ".env.example").read_text(), re.M)
    assert [name for name in listed if f">{name}<" not in page] == []


@pytest.mark.parametrize(
    "app",
    [
        asr.create_app(AsrSettings())[0],
        sentiment.create_app(SentimentSettings())[0],
        gateway.create_app(GatewaySettings())[0],
    ],
    ids=lambda app: app.title,
)
def test_every_endpoint_is_documented(app: FastAPI) -> None:
    pages = (DOCS / "api.md").read_text() + (DOCS / "operations.md").read_text()
    ours = [path for path in app.openapi()["paths"] if f"`{path}`" not in pages]
    assert [path for path in ours if not re.search(rf"`(GET|POST|DELETE) {re.escape(path)}`", pages)] == []


def test_everything_that_openais_client_can_send_has_its_row() -> None:
    page = (DOCS / "moving.md").read_text()
    assert [name for name in TranscriptionCreateParamsStreaming.__annotations__ if f"`{name}`" not in page] == []


def test_every_picture_is_shown() -> None:
    shown = "".join(page.read_text() for page in [ROOT / "README.md", *DOCS.rglob("*.md")])
    drawn = [*DOCS.rglob("*.svg"), *DOCS.rglob("*.png")]
    assert [path.name for path in drawn if path.name not in shown] == []
