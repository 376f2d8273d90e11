"""What the documentation shows is what a reader gets: every command and program on its pages is run and compared."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from docs.answers import PAGES, Example, Gateways, agree, examples
from tools.stack import ROOT, Urls

SHOWN = [(page, example) for page in PAGES for example in examples(page)]


@pytest.fixture(scope="module")
def gateways(stack: Urls) -> Iterator[Gateways]:
    with ExitStack() as closing:
        yield Gateways(stack, closing)


@pytest.mark.parametrize(
    ("page", "example"),
    SHOWN,
    ids=[f"{page.relative_to(ROOT)}-{number}" for number, (page, _) in enumerate(SHOWN)],
)
def test_a_reader_gets_what_is_shown(gateways: Gateways, page: Path, example: Example) -> None:
    given = example.run(gateways.set_to(example.settings))
    assert agree(example.shown, given), f"run python -m docs.answers; now it is:\n{given}"


def test_programs_that_are_not_run_can_be_read() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        for program in re.findall(r"```python\n(.*?)```", page.read_text(), re.S):
            compile(program, page, "exec")


def test_the_pages_show_every_endpoint_every_format_and_every_status() -> None:
    code = "\n".join(example.code for _, example in SHOWN)
    for path in ("/analyze", "/v1/audio/transcriptions", "/v1/models", "/classify", "/predict"):
        assert path in code
    for form in ("verbose_json", "text", "srt", "vtt"):
        assert f"response_format={form}" in code
    (errors,) = re.findall(r"\n## Errors\n(.*?)###", (ROOT / "docs/api.md").read_text(), re.S)
    shown = "\n".join(example.shown for _, example in SHOWN)
    assert [status for status in re.findall(r"^\| (\d+) ", errors, re.M) if f'"status": {status}' not in shown] == []
