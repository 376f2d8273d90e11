"""The connection to Telegram: a pyrogram client that loses no update.

Telegram counts the updates of an account, and sends a client what it missed since the count that the client has
written down. pyrogram writes it down before an update is handled, so a process killed in between would lose that one.
Here the count is committed only when all that has arrived is handled; after a kill some arrives again, which the inbox
knows. Nor does pyrogram ask for what it missed while the connection was cut, nor bear a clock that is set. Not done
here: handling updates.
"""

import logging
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyrogram import Client
from pyrogram.errors import RPCError
from pyrogram.session import Session as Connection
from pyrogram.storage import SQLiteStorage

from voxmood_telegram.database import give_in

logger = logging.getLogger("voxmood.telegram")


class Storage(SQLiteStorage):  # type: ignore[misc]
    """The session file, on a volume: who signs in anew too often has to wait for half an hour."""

    running = False

    async def save(self) -> None:
        """pyrogram's own commits: none while the bot runs, for it does not know what is handled."""
        if not self.running:
            await super().save()

    async def commit(self) -> None:
        """Commit: all that has arrived is handled."""
        await super().save()

    def undo(self) -> None:
        """Back to the last commit."""
        self.conn.rollback()


class Session(Client):  # type: ignore[misc]
    """A signed-in bot. Each handler ends with `await session.handled()`."""

    storage: Storage

    def __init__(self, folder: Path, *, api_id: int, api_hash: str, bot_token: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.arriving = 0  # batches of updates that are not queued yet
        self.ahead = time.time() - time.monotonic()  # Telegram's clock before one that nobody sets
        super().__init__(
            "voxmood",
            api_id=api_id,
            api_hash=api_hash,
            bot_token=bot_token,
            storage_engine=Storage("voxmood", folder),
            workers=1,  # handlers only write down: one after the other, so that all before the last one are done
            skip_updates=False,
            fetch_replies=False,  # one request less a message
            sleep_threshold=0,  # who waits for a flood to pass is decided where it waits
            app_version="Voxmood",
            max_concurrent_transmissions=4,
        )
        self.on_connect()(self.connected)

    @property
    def server_time(self) -> float:
        """Telegram's clock, in seconds since the epoch. pyrogram numbers messages by it, and takes none that is old.

        pyrogram's own adds a difference to this machine's clock, which may be set at any time.
        """
        return self.ahead + time.monotonic()

    def _set_server_time(self, number: int) -> None:
        """Called with the number of a message of Telegram's, which holds the time."""
        self.ahead = number / 2**32 - time.monotonic()

    async def initialize(self) -> None:
        """Begin to handle updates, those first that were missed."""
        self.storage.running = True
        await super().initialize()

    async def terminate(self, clear_handlers: bool = True) -> None:
        """Handle what has arrived, and end."""
        await super().terminate(clear_handlers)
        await self.storage.commit()

    async def handled(self) -> None:
        """To be called when an update's handler is done."""
        if not self.arriving and self.dispatcher.updates_queue.empty():
            await self.storage.commit()

    async def handle_updates(self, updates: Any) -> None:
        """Queue what arrives. Where that fails on the way, go back and ask for it again."""
        self.arriving += 1
        try:
            await super().handle_updates(updates)
        except (RPCError, OSError) as error:
            logger.warning("updates arrived in part (%s): asking for them again", type(error).__name__)
            self.storage.undo()
            await self.recover_gaps()
        except sqlite3.Error as error:
            give_in(error)
        finally:
            self.arriving -= 1

    async def recover_gaps(self, ids: int | Iterable[int] | None = None) -> tuple[int, int]:
        """Queue what was missed."""
        self.arriving += 1
        try:
            found: tuple[int, int] = await super().recover_gaps(ids)
        finally:
            self.arriving -= 1
        return found

    @staticmethod
    async def connected(client: Client, connection: Connection) -> None:
        """After each reconnection of the main connection: ask for what was missed meanwhile."""
        if client.is_initialized and connection is client.session:
            messages, _ = await client.recover_gaps()
            logger.info("connected again: %d messages were waiting", messages)
