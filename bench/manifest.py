"""The clips of a folder, as its manifest.csv lists them: what is measured, and what is said in it."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

NAME = "manifest.csv"
COLUMNS = ["file", "lang", "seconds", "reference"]
NOISE = "zxx"


@dataclass(frozen=True)
class Clip:
    """A row: `seconds` of sound in `lang` (ISO 639-1; `zxx`: noise), and what is said in it."""

    file: str
    lang: str
    seconds: float
    reference: str


def read(folder: Path) -> list[Clip]:
    """The clips in the manifest's order."""
    with (folder / NAME).open(encoding="utf-8", newline="") as file:
        return [Clip(row["file"], row["lang"], float(row["seconds"]), row["reference"]) for row in csv.DictReader(file)]


def write(folder: Path, clips: Iterable[Clip]) -> None:
    """Write the manifest."""
    with (folder / NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(clip) for clip in clips)
