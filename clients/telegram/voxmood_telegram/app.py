"""The bot as a process: its parts put together, started and stopped, with /livez, /readyz and /metrics.

Metrics count messages, never say whose. Not done here: what the parts do.
"""

import asyncio
import os
import sqlite3
from contextlib import suppress
from importlib.metadata import version

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pyrogram import errors

from voxmood import Analyzer
from voxmood_service import Loading, NotReady, service_app
from voxmood_telegram.answering import Answering
from voxmood_telegram.bot import Bot
from voxmood_telegram.chats import Chats
from voxmood_telegram.database import connect
from voxmood_telegram.inbox import Inbox, Item
from voxmood_telegram.memory import Memory
from voxmood_telegram.messenger import Messenger
from voxmood_telegram.session import Session
from voxmood_telegram.settings import Settings
from voxmood_telegram.worker import Worker

STOP = 8.0  # seconds for what is in work; docker gives 15 in all
BUCKETS = (0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 3600)  # seconds from message to verdict


class Runtime:
    """All parts of a bot that runs."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self.settings = settings
        outcomes = Counter("voxmood_telegram_messages", "Messages by outcome", ["outcome"], registry=registry)
        latency = Histogram(
            "voxmood_telegram_seconds", "Seconds from a message to its outcome", buckets=BUCKETS, registry=registry
        )
        queue = Gauge("voxmood_telegram_waiting", "Messages that wait for an outcome", registry=registry)

        def count(outcome: str, seconds: float) -> None:
            outcomes.labels(outcome).inc()
            latency.observe(seconds)

        folder = settings.telegram_dir.resolve()
        try:
            self.database = connect(folder / "inbox.sqlite3")
            os.chdir(folder)  # pyrogram writes down errors that it does not know, in whatever folder it is run
        except (OSError, sqlite3.Error) as error:
            raise RuntimeError(f"cannot write to VOXMOOD_TELEGRAM_DIR, {folder} ({error})") from error
        self.inbox = Inbox(self.database)
        self.chats = Chats(self.database)
        self.memory = Memory(self.database, settings.telegram_memory, transcripts=settings.telegram_memory_transcripts)
        self.analyzer = Analyzer(
            settings.asr_url,
            settings.sentiment_url,
            asr_key=settings.asr_key.get_secret_value() if settings.asr_key else None,
            asr_timeout=settings.asr_timeout,
            sentiment_timeout=settings.sentiment_timeout,
            retries=1,
            patience=2,  # the inbox is where a message waits
        )
        self.session = Session(
            folder,
            api_id=settings.api_id,
            api_hash=settings.api_hash.get_secret_value(),
            bot_token=settings.bot_token.get_secret_value(),
        )
        self.messenger = Messenger(self.session)
        self.worker = Worker(self.inbox, settings, self.answering, count, self.forget, lambda: self.session.server_time)
        self.bot = Bot(self.session, self.messenger, self.inbox, self.chats, settings, self.worker.wake)
        self.working: asyncio.Task[None] | None = None
        queue.set_function(self.inbox.waiting)

    def answering(self, item: Item) -> Answering:
        """The answering of a message."""
        return Answering(
            item,
            messenger=self.messenger,
            analyzer=self.analyzer,
            inbox=self.inbox,
            chats=self.chats,
            memory=self.memory,
            settings=self.settings,
        )

    def forget(self) -> None:
        """Delete what is not needed any more."""
        self.inbox.forget()
        self.memory.forget()

    async def start(self) -> None:
        """Sign in, take up what was missed, work. Raises RuntimeError where Telegram refuses the bot."""
        try:
            await self.session.start()
        except (errors.AccessTokenInvalid, errors.AccessTokenExpired) as error:
            raise RuntimeError("Telegram refuses TELEGRAM_BOT_TOKEN: copy it anew from @BotFather") from error
        except (errors.ApiIdInvalid, errors.ApiIdPublishedFlood) as error:
            raise RuntimeError("Telegram refuses TELEGRAM_API_ID and TELEGRAM_API_HASH: see my.telegram.org") from error
        except errors.FloodWait as error:
            raise RuntimeError(f"Telegram wants {error.value} s of rest: this bot has signed in too often") from error
        self.working = asyncio.create_task(self.worker.run())
        self.bot.start(self.bot.commands.register)

    async def check(self) -> None:
        """Raise NotReady unless Telegram is connected and messages are worked on."""
        if self.working is None or self.working.done() or not self.session.is_connected:
            raise NotReady("not connected to Telegram", retry_after=5)

    async def close(self) -> None:
        """Stop: what is in work has some seconds; the rest stays in the inbox."""
        await self.worker.stop(STOP)
        if self.session.is_initialized:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.session.stop(), 5)
        await self.analyzer.aclose()
        self.database.close()


def create_app(settings: Settings) -> tuple[FastAPI, Loading]:
    """Build the app; the bot starts and ends with it."""
    registry = CollectorRegistry()
    runtime: list[Runtime] = []  # made within the event loop that pyrogram binds itself to

    async def start() -> None:
        runtime.append(Runtime(settings, registry))
        await runtime[0].start()

    async def check() -> None:
        await runtime[0].check()

    async def close() -> None:
        for one in runtime:
            await one.close()

    return service_app(
        title="Voxmood for Telegram",
        version=version("voxmood-telegram"),
        description="The health of the bot",
        table={},
        max_bytes=0,
        registry=registry,
        load=start,
        check=check,
        close=close,
    )
