"""Recordings on a disk: which files of a folder are ones, their bytes, and when they were made.

Not done here: what is in them.
"""

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from voxmood.errors import InvalidInput

# What a folder is searched for. A file that is named is sent whatever its name.
SUFFIXES = {".aac", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}
UNREADABLE = "unreadable_file"

# A date, with the time of day if it follows: 2026-03-04, PTT-20260304-WA0007, 20260304_123305; Telegram's exports turn
# it round: audio_1@04-03-2026_12-33-05.
TIME = r"(?:[ T_-]+(?P<H>\d\d)[-_.:]?(?P<M>\d\d)[-_.:]?(?P<S>\d\d))?"
DATES = [
    re.compile(rf"(?<!\d)(?P<Y>20\d\d)(?P<sep>[-_.]?)(?P<m>\d\d)(?P=sep)(?P<d>\d\d){TIME}(?!\d)"),
    re.compile(rf"(?<!\d)(?P<d>\d\d)(?P<sep>[-_.])(?P<m>\d\d)(?P=sep)(?P<Y>20\d\d){TIME}(?!\d)"),
]


def recordings(folder: Path) -> Iterator[Path]:
    """The audio files below a folder, by their names, in order; hidden files and folders are left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield path


def read(name: str | Path) -> bytes:
    """The bytes of a file, or of standard input for `-`. File names stay here: services do not need them."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(error.strerror or "cannot be read", code=UNREADABLE) from error


def recorded(name: str, modified: float) -> datetime:
    """When a recording was made, as its name says or else its modification time, by the clock on the wall."""
    for pattern in DATES:
        for found in pattern.finditer(name):
            parts = [int(found[part] or 0) for part in "YmdHMS"]
            try:
                return datetime(*parts)  # type: ignore[arg-type]  # six numbers
            except ValueError:  # digits that are no date
                continue
    return datetime.fromtimestamp(int(modified))
