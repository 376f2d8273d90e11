"""The answer to one message: "listening" at once, then the transcript, then the mood, all in one message of ours.

Every step can be repeated: after a kill the same message is answered again from the start, in the same place. Not done
here: taking messages from the inbox, and trying again.
"""

import asyncio
import time
from dataclasses import replace

from pyrogram.types import Message

from voxmood import Analysis, Analyzer, InvalidInput
from voxmood_telegram.answer import compose, fold
from voxmood_telegram.chats import Chat, Chats
from voxmood_telegram.excuses import offer
from voxmood_telegram.inbox import Inbox, Item
from voxmood_telegram.memory import Memory
from voxmood_telegram.messenger import Buttons, Messenger
from voxmood_telegram.settings import Settings
from voxmood_telegram.sounds import Sound, sound_of, text_of
from voxmood_telegram.texts import Texts, spoken

PACE = 1.0  # seconds between two edits of a message: Telegram's limit for a chat
SOON = 0.3  # seconds that a mood may take before the transcript is shown without it
SORRY = {"too_long": "too_long", "too_large": "too_large"}  # codes of a refusal that have a sentence of their own


class Answering:
    """One attempt at one message. Raises VoxmoodError where the services fail, and what Messenger raises."""

    def __init__(
        self,
        item: Item,
        *,
        messenger: Messenger,
        analyzer: Analyzer,
        inbox: Inbox,
        chats: Chats,
        memory: Memory,
        settings: Settings,
    ) -> None:
        self.item = item
        self.messenger = messenger
        self.analyzer = analyzer
        self.inbox = inbox
        self.memory = memory
        self.settings = settings
        self.chat: Chat = chats.get(item.chat)
        self.texts: Texts = spoken(self.chat.language)
        self.quiet = self.chat.mode == "negative" and not item.asked  # not a word unless the mood is negative
        self.shown = 0.0  # when our message last changed

    async def answer(self) -> str:
        """Answer; the outcome, as in inbox.py."""
        message = await self.messenger.fetch(self.item.chat, self.item.message, self.item.asked)
        if message is None:
            await self.take_back()
            return "gone"
        self.texts = spoken(self.chat.language, message.from_user and message.from_user.language_code)
        sound, text = sound_of(message), text_of(message)
        try:
            if sound:
                return await self.answer_sound(message, sound)
            if text:
                await self.greet()
                return await self.show_mood(await self.analyzer.analyze_text(text))
        except InvalidInput as error:
            return await self.refuse(self.sorry(SORRY.get(error.code) or ("unreadable" if sound else "too_much_text")))
        return await self.refuse(self.sorry("nothing"))

    async def answer_sound(self, message: Message, sound: Sound) -> str:
        """From memory if the recording is known, else by listening."""
        if (sound.seconds or 0) > self.settings.max_seconds:
            return await self.refuse(self.sorry("too_long"))
        if sound.size > self.settings.max_bytes:
            return await self.refuse(self.sorry("too_large"))
        known = self.memory.recall(sound.recording)
        new = self.item.reply is None and not self.item.asked  # else we were listening to it, or shall
        if known and (new or known.transcript or known.no_speech):
            await self.show_mood(known)
            return "known"
        await self.greet()
        heard = await self.analyzer.recognise(await self.messenger.download(message, self.item.asked))
        judging = asyncio.create_task(self.analyzer.judge(heard))
        try:
            await asyncio.wait({judging}, timeout=max(SOON, self.shown + PACE - time.monotonic()))
            if not judging.done() and not self.quiet:
                plain = [self.texts("answer.thinking"), *fold([span.text for span in heard.spans], 3000)[:1]]
                await self.show("\n".join(plain))
            analysis = await judging
        finally:
            judging.cancel()
        outcome = await self.show_mood(analysis)
        self.memory.keep(sound.recording, analysis)
        return outcome

    async def show_mood(self, analysis: Analysis) -> str:
        """The mood, with an excuse to offer, and the rest of a long transcript below."""
        outcome = analysis.verdict or "no_speech"
        if self.quiet and (outcome != "negative" or analysis.hard_to_say):
            return "quiet"
        first, *rest = compose(analysis, self.texts)
        negative = outcome == "negative" and not analysis.hard_to_say
        wanted = analysis.verdict and (negative or self.chat.excuses == "all")
        await self.show(first, offer(spoken(analysis.language, self.texts.language)) if wanted else ())
        for number, part in enumerate(rest):
            await self.messenger.send(self.item.chat, part, below=self.item.message, purpose=f"part {number}")
        return outcome

    async def refuse(self, sentence: str) -> str:
        """A sentence instead of a mood."""
        if not self.quiet:
            await self.show(sentence)
        return "refused"

    async def ask_patience(self) -> None:
        """Say that it takes longer; once is enough."""
        if self.item.reply and self.item.attempts == 0:
            await self.show(self.texts("answer.longer"))

    async def give_up(self, outcome: str) -> None:
        """Tell whoever has seen us listening that no mood will come."""
        if self.item.reply:
            await self.show(self.texts("sorry.too_late" if outcome == "late" else "sorry.no_answer"))

    async def greet(self) -> None:
        """Say that we listen, unless we do so already or silently."""
        if not self.quiet and not self.item.reply:
            await self.show(self.texts("answer.listening"))

    async def show(self, text: str, buttons: Buttons = ()) -> None:
        """Make our message say this; write it if there is none."""
        chat, reply = self.item.chat, self.item.reply
        if reply is None:
            reply = await self.messenger.reply(chat, text, below=self.item.message, buttons=buttons)
            self.item = replace(self.item, reply=reply)
            self.inbox.replied(self.item, reply)
        else:
            await asyncio.sleep(max(0.0, self.shown + PACE - time.monotonic()))
            await self.messenger.edit(chat, reply, text, buttons)
        self.shown = time.monotonic()

    async def take_back(self) -> None:
        """The message is deleted: so is our word on it."""
        if self.item.reply:
            await self.messenger.delete(self.item.chat, self.item.reply)

    def sorry(self, why: str) -> str:
        """A friendly sentence with the limits in it."""
        return self.texts(
            f"sorry.{why}",
            minutes=round(self.settings.max_seconds / 60),
            megabytes=f"{self.settings.max_bytes / 1_000_000:.3g}",
            characters=self.settings.max_characters,
        )
