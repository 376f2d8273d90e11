"""The site builds without a warning, needs nothing from elsewhere, and names every setting and every endpoint."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsStreaming
from tokenizers import Tokenizer

from tools.stack import ROOT
from voxmood_asr import app as asr
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_gateway import app as gateway
from voxmood_gateway.settings import Settings as GatewaySettings
from voxmood_sentiment import app as sentiment
from voxmood_sentiment.settings import SHIPPED
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
def test_every_endpoint_field_and_status_is_documented(app: FastAPI) -> None:
    api, operations = ((DOCS / page).read_text() for page in ("api.md", "operations.md"))
    schema = app.openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert f"`{method.upper()} {path}`" in api or f"`{path}`" in operations
            names = [*fields(schema, operation)]
            assert [name for name in names if not re.search(rf"[`\"]{re.escape(name)}[`\"=]", api)] == [], path
            refused = [status for status in operation["responses"] if int(status) >= 400]
            assert [status for status in refused if f"\n| {status} |" not in api] == [], path


def fields(schema: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """What the body of a request may hold."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = content["schema"]
        yield from schema["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], body)["properties"]


def test_everything_that_openais_client_can_send_has_its_row() -> None:
    page = (DOCS / "moving.md").read_text()
    assert [name for name in TranscriptionCreateParamsStreaming.__annotations__ if f"`{name}`" not in page] == []


def test_the_figures_of_the_model_are_its_own() -> None:
    page = (DOCS / "how-it-works.md").read_text()
    config, deletion = (json.loads((SHIPPED / name).read_text()) for name in ("config.json", "deletion.json"))
    pieces = Tokenizer.from_file(str(SHIPPED / "tokenizer.json")).get_vocab_size()
    assert f"$T$ is {config['temperature']}" in page
    assert f"below {config['hard_to_say_below']} the verdict" in page
    assert f"{config['max_length']} pieces" in page
    assert f"{pieces:,} pieces" in page
    three = deletion["words"]["3"]
    assert f"Over {deletion['texts']} texts" in page
    assert f"{three['named']:.0f} points" in page
    assert f"random\nwords {three['random']:.0f} " in page


def test_every_picture_is_shown() -> None:
    shown = "".join(page.read_text() for page in [ROOT / "README.md", *DOCS.rglob("*.md")])
    drawn = [*DOCS.rglob("*.svg"), *DOCS.rglob("*.png")]
    assert [path.name for path in drawn if path.name not in shown] == []
