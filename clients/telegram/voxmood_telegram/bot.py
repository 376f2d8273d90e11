"""What the bot does when it hears of something: voices and /mood go to the inbox, commands and taps are answered.

Handlers only write down and start tasks: they run one after the other (see session.py). Not done here: moods.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from pyrogram import errors
from pyrogram.handlers import CallbackQueryHandler, MessageHandler
from pyrogram.types import CallbackQuery, Message

from voxmood_telegram.chats import Chats
from voxmood_telegram.commands import Commands, command_of
from voxmood_telegram.database import give_in
from voxmood_telegram.excuses import EXCUSES, choices, excuse, offer
from voxmood_telegram.inbox import Inbox
from voxmood_telegram.messenger import Gone, Messenger, Trouble
from voxmood_telegram.session import Session
from voxmood_telegram.settings import Settings
from voxmood_telegram.sounds import sound_of
from voxmood_telegram.texts import spoken

logger = logging.getLogger("voxmood.telegram")
ANSWERED = {"negative", "neutral", "positive", "no_speech"}
TRIES = 5  # of answering a command


class Bot:
    """The handlers; `wake` tells the worker of news."""

    def __init__(
        self,
        session: Session,
        messenger: Messenger,
        inbox: Inbox,
        chats: Chats,
        settings: Settings,
        wake: Callable[[], None],
    ) -> None:
        self.session = session
        self.messenger = messenger
        self.inbox = inbox
        self.chats = chats
        self.settings = settings
        self.wake = wake
        self.commands = Commands(session, messenger, chats, settings)
        self.tasks: set[asyncio.Task[None]] = set()
        session.add_handler(MessageHandler(self.on_message))
        session.add_handler(CallbackQueryHandler(self.on_tap))

    async def on_message(self, _: Session, message: Message) -> None:
        """Any message."""
        try:
            self.note(message)
        except sqlite3.Error as error:
            self.session.storage.undo()
            give_in(error)
            return
        await self.session.handled()

    async def on_tap(self, _: Session, tap: CallbackQuery) -> None:
        """A tap on one of our buttons."""
        self.start(lambda: self.tapped(tap))
        await self.session.handled()

    def note(self, message: Message) -> None:
        """Write down what is to be answered; start what answers a command. Raises sqlite3.Error."""
        chat = message.chat.id
        if message.migrate_to_chat_id:
            self.chats.move(chat, message.migrate_to_chat_id)
        if message.outgoing or message.service or (message.from_user and message.from_user.is_bot):
            return
        command = command_of(message, self.session.me)
        if self.settings.telegram_chats and chat not in self.settings.telegram_chats:
            if command and command.name == "start":
                self.start(lambda: self.commands.not_listed(message))
            return
        if command is None:
            if sound_of(message) and self.chats.get(chat).mode != "request":
                self.inbox.add(chat, message.id, message.date.timestamp())
                self.wake()
        elif command.name == "mood":
            self.mood(message, command.argument)
        else:
            self.start(lambda: self.commands.run(message, command))

    def mood(self, message: Message, text: str) -> None:
        """/mood below a message, or with a text."""
        chat, wanted = message.chat.id, message.reply_to_message_id or (message.id if text else None)
        sent = message.date.timestamp()
        if wanted is None:
            self.start(lambda: self.commands.say(message, "help.how_mood"))
            return
        if not self.inbox.add(chat, wanted, sent, asked=message.id):
            before = self.inbox.get(chat, wanted)
            if before and before.state in ANSWERED and before.reply:
                self.start(lambda: self.commands.say(message, "answer.already", below=before.reply))
                return
            self.inbox.ask_again(chat, wanted, sent, message.id)
        self.wake()

    async def tapped(self, tap: CallbackQuery) -> None:
        """Offer, say or take back an excuse, or change a setting."""
        kind, *rest = str(tap.data or "").split(":")
        answer, alert = "", False
        if tap.message and kind == "excuse" and rest:
            answer = await self.excuse(tap, tap.message, *rest)
        elif tap.message and kind == "set" and len(rest) == 2:
            answer = await self.commands.choose(tap, tap.message, *rest)
            alert = bool(answer)
        try:
            await tap.answer(answer, show_alert=alert)
        except errors.QueryIdInvalid:  # too late: the tap has had its effect all the same
            return

    async def excuse(self, tap: CallbackQuery, answer: Message, language: str, which: str = "") -> str:
        """What the tap is answered."""
        texts = spoken(language)
        if not which:
            await self.messenger.edit_buttons(answer.chat.id, answer.id, choices(texts))
            return ""
        said = ""
        if which in EXCUSES:
            voice = answer.reply_to_message_id
            if voice is None:
                return texts("excuse.gone")
            try:
                await self.messenger.send(
                    answer.chat.id,
                    excuse(texts, which, tap.from_user.first_name or tap.from_user.username or "?"),
                    below=voice,
                    purpose=f"excuse {tap.from_user.id} {which}",
                )
            except Gone:
                return texts("excuse.gone")
            said = texts("excuse.sent")
        await self.messenger.edit_buttons(answer.chat.id, answer.id, offer(texts))
        return said

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it beside the handlers, and again where Telegram is in trouble."""

        async def persist() -> None:
            for _ in range(TRIES):
                try:
                    return await work()
                except Trouble as trouble:
                    await asyncio.sleep(trouble.seconds)
                except Gone:
                    return None
            return None

        task = asyncio.create_task(persist())
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[None]) -> None:
        """Say that a command failed, if it did."""
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            logger.error("a command failed: %s", type(task.exception()).__name__)
