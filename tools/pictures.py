"""The pictures of the page in the README, taken of the real one.

    python -m tools.pictures      # half a minute; needs chromium, and fonts-inter for its looks

Written into docs/pictures.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser

from tools.browser import chromium
from tools.stack import ROOT, running

FOLDER = ROOT / "docs" / "pictures"
COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """What is taken, and how: a demo voice, played for a part of its length."""

    name: str
    voice: str
    scheme: Literal["light", "dark"]
    locale: str
    width: int
    height: int


PICTURES = (
    Picture("page-light", "en-negative-holiday", "light", "en-GB", 820, 1080),
    Picture("page-dark-phone", "ru-positive-concert", "dark", "ru-RU", 390, 1080),
)


def take(browser: Browser, url: str, picture: Picture) -> Image.Image:
    """Open the page, send the voice, play a little of it."""
    page = browser.new_page(
        color_scheme=picture.scheme,
        locale=picture.locale,
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=1.5,
        reduced_motion="reduce",
    )
    page.goto(url)
    page.set_input_files("#file", ROOT / f"demo/voices/{picture.voice}.ogg")
    page.locator("#another").wait_for()
    page.locator("#wave").click(position={"x": picture.width * 0.3, "y": 40})
    page.locator("#sentences li.said").wait_for()
    page.locator("#play").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    return Image.open(io.BytesIO(page.screenshot()))


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    with Path("/dev/null").open("w") as log, running(log=log) as urls, chromium() as browser:
        for picture in PICTURES:
            image = take(browser, urls.gateway, picture).convert("RGB").quantize(COLOURS)
            image.save(FOLDER / f"{picture.name}.png", optimize=True)


if __name__ == "__main__":
    main()
