"""A real Chromium without a window, for tests, figures and pictures of the page.

Debian's `chromium` on the path, driven by Playwright. Its microphone hears a recording, and nobody is asked for
permission. Not done here: the services.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[Browser]:
    """The browser while the block lasts; its microphone plays this WAV file, over and over."""
    program = shutil.which("chromium")
    if not program:
        raise RuntimeError("chromium is needed: apt-get install chromium")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if microphone:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()
