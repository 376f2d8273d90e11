"""Whether the files of a model are still those that were put there: SHA256SUMS, as `sha256sum` writes and checks it.

A disk or a copy that went wrong may leave weights that load and answer nonsense. Not done here: whether the files come
from whom they should, which is known where they are fetched.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

NAME = "SHA256SUMS"


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Note the sums of these files of the folder."""
    (folder / NAME).write_text("".join(f"{_sum(folder / name)}  {name}\n" for name in names), encoding="utf-8")


def check_sums(folder: Path) -> None:
    """Check a folder that has sums; one that has none is its owner's affair. Raises ValueError or OSError."""
    sums = folder / NAME
    if not sums.exists():
        return
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, name = line.split(maxsplit=1)
        if _sum(folder / name) != digest:
            raise ValueError(f"{folder / name} is damaged: it has not the sha256 that {NAME} notes; fetch it again")


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
