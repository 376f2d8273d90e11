"""The settings of each chat, and what was counted in it. Not done here: who may change them."""

import sqlite3
from dataclasses import dataclass

from voxmood_telegram.texts import LANGUAGES

CHOICES = {
    "mode": ("auto", "request", "negative"),
    "excuses": ("negative", "all"),
    "language": LANGUAGES,
}


@dataclass(frozen=True)
class Chat:
    """How a chat wants to be served; no `language`: that of whoever wrote."""

    mode: str = "auto"
    excuses: str = "negative"
    language: str | None = None


class Chats:
    """The rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def get(self, chat: int) -> Chat:
        """The settings of a chat."""
        return Chat(**dict(self.connection.execute("SELECT setting, value FROM chats WHERE chat = ?", (chat,))))

    def choose(self, chat: int, setting: str, value: str) -> None:
        """Change a setting. Raises ValueError unless `CHOICES` has it."""
        if value not in CHOICES.get(setting, ()):
            raise ValueError(f"no such choice: {setting} {value}")
        with self.connection:
            self.connection.execute("REPLACE INTO chats VALUES (?, ?, ?)", (chat, setting, value))

    def counts(self, chat: int) -> dict[str, int]:
        """How often each outcome (see inbox.py) was had in a chat."""
        return dict(self.connection.execute("SELECT outcome, count FROM counts WHERE chat = ?", (chat,)))

    def move(self, old: int, new: int) -> None:
        """A group has become a supergroup: it keeps its settings and counts."""
        with self.connection:
            for table in ("chats", "counts"):
                self.connection.execute(f"UPDATE OR REPLACE {table} SET chat = ? WHERE chat = ?", (new, old))  # noqa: S608
