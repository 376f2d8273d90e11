"""What is to be answered: one row a message, written before work begins and kept until nobody can ask for it again.

A message is in one of these states: waiting (a worker may have taken it: a restart forgets that and takes it again),
or an outcome: negative, neutral, positive, no_speech, known (answered from memory), quiet (the chat wants no answer),
refused, failed, late, gone. When it may be tried again is not written down, but counted by a clock that nobody sets:
after a restart it is tried at once. Not done here: answering.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

WAITING = "waiting"
KEPT = 2 * 24 * 3600  # seconds; Telegram sends nothing again that is older


@dataclass(frozen=True)
class Item:
    """A message to be answered.

    `asked` is the /mood that asks for it, and then it is always answered; `reply` is our message below it.
    """

    chat: int
    message: int
    asked: int | None
    sent: float
    state: str
    reply: int | None
    attempts: int


class Inbox:
    """The rows. A write that fails raises sqlite3.Error, and has changed nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.busy: Counter[int] = Counter()  # messages taken and not ended, by chat
        self.taken: set[tuple[int, int]] = set()
        self.due: dict[tuple[int, int], float] = {}  # messages not to be tried before this time.monotonic()
        self.served: dict[int, int] = {}  # when a chat had its last turn, in turns
        self.turns = 0

    def add(self, chat: int, message: int, sent: float, *, asked: int | None = None) -> bool:
        """Write a message down; False if it is there already."""
        with self.connection:
            done = self.connection.execute(
                "INSERT INTO inbox (chat, message, asked, sent, state) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (chat, message, asked, sent, WAITING),
            )
        return done.rowcount == 1

    def ask_again(self, chat: int, message: int, sent: float, asked: int) -> None:
        """Let a message that has an outcome be answered anew, in the reply that it has."""
        with self.connection:
            self.connection.execute(
                "UPDATE inbox SET state = ?, asked = ?, sent = ?, attempts = 0 WHERE chat = ? AND message = ?",
                (WAITING, asked, sent, chat, message),
            )
        self.due.pop((chat, message), None)

    def get(self, chat: int, message: int) -> Item | None:
        """The row of a message."""
        row = self.connection.execute("SELECT * FROM inbox WHERE chat = ? AND message = ?", (chat, message)).fetchone()
        return _item(row) if row else None

    def take(self, most_in_chat: int, held: Collection[int] = ()) -> Item | None:
        """The next message, or None: of the chats with the fewest taken, the one whose last turn is longest ago.

        No chat has more than `most_in_chat` taken; chats in `held` are passed over.
        """
        now = time.monotonic()
        waiting = self.connection.execute(
            "SELECT * FROM inbox WHERE state = ? ORDER BY chat, sent, message", (WAITING,)
        )
        first: dict[int, Item] = {}
        for row in waiting:
            place = (row["chat"], row["message"])
            if place not in self.taken and self.due.get(place, 0) <= now:
                first.setdefault(row["chat"], _item(row))
        open_chats = [chat for chat in first if chat not in held and self.busy[chat] < most_in_chat]
        if not open_chats:
            return None
        chat = min(open_chats, key=lambda chat: (self.busy[chat], self.served.get(chat, 0), first[chat].sent))
        item = first[chat]
        self.turns += 1
        self.served[chat] = self.turns
        self.busy[chat] += 1
        self.taken.add((item.chat, item.message))
        return item

    def put_back(self, item: Item) -> None:
        """End a turn, whatever came of it."""
        self.taken.discard((item.chat, item.message))
        self.busy[item.chat] -= 1

    def replied(self, item: Item, reply: int) -> None:
        """Remember our message below it."""
        self._set(item, "reply = ?", reply)

    def later(self, item: Item, seconds: float, *, counts: bool) -> None:
        """Try again in so many seconds; `counts` as one of its attempts."""
        if counts:
            self._set(item, "attempts = attempts + 1")
        self.due[item.chat, item.message] = time.monotonic() + seconds

    def end(self, item: Item, outcome: str) -> None:
        """Write down the outcome, and count it for the chat; whoever has asked anew meanwhile is answered anew."""
        with self.connection:
            self.connection.execute(
                "UPDATE inbox SET state = ? WHERE chat = ? AND message = ? AND asked IS ?",
                (outcome, item.chat, item.message, item.asked),
            )
            self.connection.execute(
                "INSERT INTO counts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", (item.chat, outcome)
            )
        self.due.pop((item.chat, item.message), None)

    def waiting(self) -> int:
        """How many wait, those included that a worker has taken."""
        (count,) = self.connection.execute("SELECT count(*) FROM inbox WHERE state = ?", (WAITING,)).fetchone()
        return int(count)

    def next_due(self) -> float | None:
        """Seconds until the next message may be tried that may not be tried yet."""
        now = time.monotonic()
        return min((due - now for due in self.due.values() if due > now), default=None)

    def forget(self) -> None:
        """Delete the rows that nobody will ask for again."""
        with self.connection:
            self.connection.execute("DELETE FROM inbox WHERE state != ? AND sent < ?", (WAITING, time.time() - KEPT))

    def _set(self, item: Item, what: str, *values: float) -> None:
        with self.connection:
            self.connection.execute(
                f"UPDATE inbox SET {what} WHERE chat = ? AND message = ?",  # noqa: S608, `what` is a constant of ours
                (*values, item.chat, item.message),
            )


def _item(row: sqlite3.Row) -> Item:
    return Item(row["chat"], row["message"], row["asked"], row["sent"], row["state"], row["reply"], row["attempts"])
