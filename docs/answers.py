"""Run what the documentation shows, and write what came out below it: `python -m docs.answers`, 30 s.

A page shows a command (```console, lines that begin with $) or a program (```python), and right below it what it
prints (```json or ```text). A comment above may say how the gateway is set: `<!-- with VOXMOOD_RATE_LIMIT=1/hour -->`.
tests/e2e/test_answers.py runs them all and compares. Not done here: prose.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import uvicorn

from tools.stack import ROOT, Urls, free_ports, running
from voxmood_gateway.app import create_app
from voxmood_gateway.settings import Settings

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLE = re.compile(
    r"(?:<!-- with (?P<settings>[^>]+) -->\n)?```(?P<kind>console|python)\n(?P<code>[^`]+)```\n+"
    r"```(?P<form>json|text)\n(?P<shown>.*?)```\n",
    re.S,
)
ANEW = re.compile(  # every time
    r'"timings": ?\{.*?\}|"tokens": ?\[.*?\]|"created": ?\d+|"(?:request_id|created|id)": ?"[^"]+"', re.S
)
PART = re.compile(r"\d+:\d\d:\d\d[.,]\d{3}|-?\d+\.\d+(?:e-\d+)?|\d+|[^\W\d]+")
NEAR = 0.25
WIDTH = 170  # the longest line of JSON: a sentence with its mood fits


@dataclass(frozen=True)
class Example:
    """What a page shows."""

    settings: str
    kind: str
    code: str
    form: str
    shown: str

    def run(self, urls: Urls) -> str:
        """Run it against these services, and return what it printed, laid out."""
        code = moved(self.code, urls)
        if self.kind == "console":
            command = ["bash", "-c", re.sub(r"^\$ ", "", code, flags=re.M)]
        else:
            command = [sys.executable, "-c", code]
        found = {
            "VOXMOOD_ASR_URL": urls.asr,
            "VOXMOOD_SENTIMENT_URL": urls.sentiment,
        }  # for voxmood
        env = {**os.environ, **found, "COLUMNS": "100"}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"this failed:\n{self.code}\n{done.stderr}")
        printed = "\n".join(map(str.rstrip, done.stdout.rstrip().splitlines()))
        return (laid_out(json.loads(printed)) if self.form == "json" else printed) + "\n"


def examples(page: Path) -> list[Example]:
    """All that a page shows, in order."""
    return [Example(**found.groupdict("")) for found in EXAMPLE.finditer(page.read_text())]


def moved(text: str, urls: Urls) -> str:
    """The text with the addresses of these services instead of the usual ones."""
    for port, url in ((8000, urls.gateway), (8001, urls.asr), (8002, urls.sentiment)):
        text = text.replace(f"http://127.0.0.1:{port}", url)
    return text


def laid_out(value: Any, indent: str = "") -> str:
    """JSON, in one line whatever fits into it."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent + line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + " "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {laid_out(each, inner)}" for key, each in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    if not isinstance(value[0], dict | list):
        return line
    return "[\n" + ",\n".join(f"{inner}{laid_out(each, inner)}" for each in value) + f"\n{indent}]"


def agree(shown: str, given: str) -> bool:
    """Whether they are the same, but for what is never twice the same, and figures, which move with the processor."""
    pairs = [PART.findall(ANEW.sub("", text)) for text in (shown, given)]
    return len(pairs[0]) == len(pairs[1]) and all(near(*pair) for pair in zip(*pairs, strict=True))


def near(shown: str, given: str) -> bool:
    """Whether two words are the same, or two figures with a fraction nearly."""
    try:
        return abs(number(shown) - number(given)) < NEAR
    except ValueError:
        return shown.lower() == given.lower()


def number(text: str) -> float:
    """Of a figure with a fraction, or a time of day. Raises ValueError if it is none."""
    if not text[-1].isdigit() or text.isdigit():
        raise ValueError
    seconds = 0.0
    for part in text.replace(",", ".").split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


class Gateways:
    """The gateway of `urls`, and beside it one for each other way to set it."""

    def __init__(self, urls: Urls, stack: ExitStack) -> None:
        self.urls, self.stack, self.known = urls, stack, {"": urls}

    def set_to(self, settings: str) -> Urls:
        """The services, with a gateway that has these settings."""
        if settings not in self.known:
            given = {"asr_url": self.urls.asr, "sentiment_url": self.urls.sentiment}
            for pair in moved(settings, self.urls).split():
                name, _, value = pair.partition("=")
                if name.endswith("_DIR"):
                    value = self.stack.enter_context(TemporaryDirectory())
                given[name.removeprefix("VOXMOOD_").lower()] = value
            url = self.stack.enter_context(gateway(Settings.model_validate(given)))
            self.known[settings] = replace(self.urls, gateway=url)
        return self.known[settings]


@contextmanager
def gateway(settings: Settings) -> Iterator[str]:
    """Run a gateway on a free port."""
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(create_app(settings)[0], port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
            client.get(f"http://127.0.0.1:{port}/livez")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Write every page anew."""
    with running() as urls, ExitStack() as stack:
        gateways = Gateways(urls, stack)

        def renew(found: re.Match[str]) -> str:
            example = Example(**found.groupdict(""))
            given = example.run(gateways.set_to(example.settings))
            if agree(example.shown, given):
                return found[0]
            return f"{found[0][: found.start('shown') - found.start()]}{given}```\n"

        for page in PAGES:
            page.write_text(EXAMPLE.sub(renew, page.read_text()))


if __name__ == "__main__":
    main()
