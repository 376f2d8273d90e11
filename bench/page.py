"""What it costs to open the page, and whom it keeps out.

    PYTHONPATH=services/sentiment python -m bench.page      # half a minute; needs chromium

A Chromium that was never here opens the page, then opens it again: requests that reach the gateway, bytes that travel
(headers included) and what they unpack to. Then axe-core looks for what keeps people out: in light and dark, on a desk
and on a phone, before and after a message. The figures go to bench/page.json.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Response
from training.options import options

from tools.browser import chromium
from tools.stack import ROOT, running

RESULT = Path(__file__).with_suffix(".json")
SIZES = {"desk": (1100, 800), "phone": (360, 740)}


@dataclass(frozen=True)
class Settings:
    """What is said to it."""

    voice: Path = ROOT / "demo/voices/en-negative-holiday.ogg"


def visit(context: BrowserContext, url: str) -> dict[str, int]:
    """Open it: requests, and bytes on the way and unpacked."""
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(url, wait_until="networkidle")
    asked = [(answer, answer.request.sizes()) for answer in answers]
    travelled = [(answer, size) for answer, size in asked if size["responseBodySize"] >= 0]  # others were kept
    return {
        "requests": len(travelled),
        "bytes": sum(size["responseBodySize"] + size["responseHeadersSize"] for _, size in travelled),
        "unpacked_bytes": sum(len(answer.body()) for answer, _ in travelled),
    }


def violations(browser: Browser, url: str, voice: Path) -> tuple[dict[str, int], str]:
    """What axe-core finds, by how the page is looked at, and its version."""
    found, version = {}, ""
    for scheme in ("light", "dark"):
        for name, (width, height) in SIZES.items():
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
            page.goto(url)
            before = Axe().run(page).response
            page.set_input_files("#file", voice)
            page.locator("#another").wait_for()
            after = Axe().run(page).response
            found[f"{scheme}_{name}"] = len(before["violations"]) + len(after["violations"])
            version = after["testEngine"]["version"]
            page.close()
    return found, version


def main() -> None:
    """Measure, print, write."""
    settings = options(Settings)
    Path("runs").mkdir(exist_ok=True)
    with Path("runs/page.log").open("w") as log, running(log=log) as urls, chromium() as browser:
        with browser.new_context() as context:
            first, again = visit(context, urls.gateway), visit(context, urls.gateway)
        found, axe = violations(browser, urls.gateway, settings.voice)
        versions = {"axe": axe, "chromium": browser.version}
    result: dict[str, Any] = {"first_visit": first, "next_visit": again, "violations": found, "versions": versions}
    result["settings"] = {**asdict(settings), "voice": settings.voice.relative_to(ROOT).as_posix()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
