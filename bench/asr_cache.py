"""What was measured, a line of JSON for each measurement, so that a command goes on where it was stopped."""

import json
from pathlib import Path
from typing import Any


class Cache:
    """The measurements in a file, all of them in `lines` too."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lines = (
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        )

    def has(self, **key: Any) -> bool:
        """Whether there is a measurement with these values."""
        return any(key.items() <= line.items() for line in self.lines)

    def add(self, **line: Any) -> None:
        """Keep a measurement."""
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
