"""Takes messages from the inbox and has them answered, several at a time, fairly, until each has an outcome.

Not done here: an answer itself, see answering.py.
"""

import asyncio
import logging
import sqlite3
import time
import traceback
from collections.abc import Callable

from voxmood import BadAnswer, Busy, TimedOut, Unauthorized, Unavailable, VoxmoodError
from voxmood_service import span
from voxmood_telegram.answering import Answering
from voxmood_telegram.database import give_in
from voxmood_telegram.inbox import Inbox, Item
from voxmood_telegram.messenger import Flood, Gone, Trouble
from voxmood_telegram.settings import Settings

logger = logging.getLogger("voxmood.telegram")
LONGEST = 60.0  # seconds between two attempts
TIDY = 3600.0  # seconds between two times of forgetting


class Worker:
    """`open_answer` makes the answering of an item; `count` hears of each outcome, and how many seconds it took.

    `clock` is Telegram's, by which messages are sent: this machine's may be wrong, or be set.
    """

    def __init__(
        self,
        inbox: Inbox,
        settings: Settings,
        open_answer: Callable[[Item], Answering],
        count: Callable[[str, float], None],
        forget: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.inbox = inbox
        self.settings = settings
        self.open_answer = open_answer
        self.count = count
        self.forget = forget
        self.clock = clock
        self.news = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.held: dict[int, float] = {}  # chats that Telegram wants us to leave alone, until this time.monotonic()
        self.stopping = False

    def wake(self) -> None:
        """Something new is in the inbox, or something has ended."""
        self.news.set()

    async def run(self) -> None:
        """Work until `stop`."""
        tidied = 0.0
        while not self.stopping:
            self.news.clear()
            if time.monotonic() - tidied > TIDY:
                self.forget()
                tidied = time.monotonic()
            self.start_all()
            try:
                await asyncio.wait_for(self.news.wait(), self.pause())
            except TimeoutError:
                continue

    def start_all(self) -> None:
        """Take as many messages as may be worked on at a time."""
        now = time.monotonic()
        self.held = {chat: until for chat, until in self.held.items() if until > now}
        while len(self.tasks) < self.settings.telegram_parallel:
            item = self.inbox.take(self.settings.telegram_parallel_chat, self.held)
            if item is None:
                return
            task = asyncio.create_task(self.work(item))
            self.tasks.add(task)
            task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[None]) -> None:
        """Make room for the next."""
        self.tasks.discard(task)
        self.wake()

    def pause(self) -> float:
        """Seconds until something may be due that nobody announces."""
        waits = [TIDY, *(until - time.monotonic() for until in self.held.values())]
        due = self.inbox.next_due()
        return max(0.01, min([*waits, due] if due is not None else waits))

    async def stop(self, patience: float) -> None:
        """Take nothing more; give what is in work so many seconds. What is not ended then stays in the inbox."""
        self.stopping = True
        self.wake()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)
        left = list(self.tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def work(self, item: Item) -> None:
        """Answer one message, or put it back for later."""
        answering = self.open_answer(item)
        try:
            with span("message"):
                await self.attempt(item, answering)
        except Flood as flood:
            self.held[item.chat] = time.monotonic() + flood.seconds
            self.inbox.later(item, flood.seconds, counts=False)
        except Trouble as trouble:  # Telegram's, not the services': it says nothing about this message
            self.inbox.later(item, trouble.seconds, counts=False)
        except Gone:
            self.end(item, "gone")
        except sqlite3.Error as error:
            self.stopping = True
            give_in(error)
        except Exception as error:  # not even an apology could be made
            logger.error("an answer failed for good: %s", type(error).__name__)
            self.inbox.later(item, LONGEST, counts=True)
        finally:
            self.inbox.put_back(item)

    async def attempt(self, item: Item, answering: Answering) -> None:
        """One attempt. Raises what the messenger raises."""
        if self.clock() - item.sent > self.settings.telegram_too_late:
            logger.warning("dropped a message that waited for more than %.0f s", self.settings.telegram_too_late)
            await answering.give_up("late")
            self.end(item, "late")
            return
        try:
            self.end(item, await answering.answer())
        except (Busy, Unavailable, TimedOut, BadAnswer, Unauthorized) as error:
            await self.again(item, answering, error)
        except (Trouble, Gone, sqlite3.Error):
            raise
        except Exception as error:  # a fault of ours, perhaps only with this message: the others must go on
            where = "".join(traceback.format_tb(error.__traceback__))  # the message might quote what was said
            logger.error("an answer failed: %s at\n%s", type(error).__name__, where)
            await self.again(item, answering, None)

    async def again(self, item: Item, answering: Answering, error: VoxmoodError | None) -> None:
        """Later, or never if this was the last attempt."""
        if error:
            logger.warning("attempt %d failed: %s (%s)", item.attempts + 1, error.code, error.status)
        if item.attempts + 1 >= self.settings.telegram_attempts:
            await answering.give_up("failed")
            self.end(item, "failed")
            return
        await answering.ask_patience()
        wait = (error and error.retry_after) or 0
        self.inbox.later(item, min(LONGEST, max(wait, 2.0**item.attempts)), counts=True)

    def end(self, item: Item, outcome: str) -> None:
        """Done."""
        self.inbox.end(item, outcome)
        self.count(outcome, self.clock() - item.sent)
