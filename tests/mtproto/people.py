"""Who and what exists in the loopback Telegram: people and what they do, chats, messages, files.

Kept as Telegram keeps it: private chats and basic groups share one numbering of messages and one count of changes
(pts), every supergroup has its own. Not here: channels, topics, albums, reactions, edits by people.
"""

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pyrogram.raw import types

from tests.mtproto import objects
from tests.mtproto.text import units

if TYPE_CHECKING:
    from tests.mtproto.world import World

SIGN_IN = 2  # the data centre of the bot's account, and of files unless they say otherwise
COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@(\w+))?")


@dataclass(eq=False)
class File:
    """A file on Telegram's servers; forwards share it."""

    kind: str  # voice, audio, video_note or document
    data: bytes
    mime: str
    duration: int = 0
    name: str | None = None
    data_centre: int = SIGN_IN
    id: int = field(default_factory=lambda: secrets.randbits(62))
    access_hash: int = field(default_factory=lambda: secrets.randbits(62))


@dataclass(eq=False)
class Message:
    """A message, as it is now. `time` and the times of `edits` are of the monotonic clock."""

    id: int
    chat: "Chat"
    sender: "User"
    text: str = ""
    entities: list[Any] = field(default_factory=list)  # of pyrogram.raw.types
    reply_to: "Message | None" = None
    file: File | None = None
    forwarded_from: "User | None" = None
    action: Any = None  # of a service message
    markup: Any = None
    seen_by_bot: bool = True
    deleted: bool = False
    edits: list[tuple[float, str]] = field(default_factory=list)
    time: float = field(default_factory=time.monotonic)
    date: int = field(default_factory=lambda: int(time.time()))

    @property
    def buttons(self) -> list[list[tuple[str, bytes]]]:
        """Rows of (text, callback data); a button that is a link has no data."""
        rows = self.markup.rows if self.markup else []
        return [[(button.text, getattr(button.type, "data", b"")) for button in row.buttons] for row in rows]


class Change(NamedTuple):
    """What a client that was away is told of later."""

    pts: int
    message: Message
    edited: bool


@dataclass(eq=False)
class Box:
    """One numbering of messages and one count of changes."""

    messages: dict[int, Message] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    last_id: int = 0
    pts: int = 1

    def change(self, message: Message, *, edited: bool = False) -> Change:
        """Count a change that the bot can see."""
        self.pts += 1
        self.changes.append(Change(self.pts, message, edited))
        return self.changes[-1]


@dataclass(eq=False)
class Chat:
    """A group, a supergroup, or the private chat of a person and the bot, which has the person's id."""

    id: int  # bare, as the protocol has it
    kind: str  # private, group or supergroup
    title: str
    box: Box
    members: list["User"]
    admins: list["User"] = field(default_factory=list)  # the first one made the group
    privacy: bool = True  # the bot's privacy mode, as it was when the bot came into the group
    access_hash: int = field(default_factory=lambda: secrets.randbits(62))
    history: list[Message] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)  # when the bot wrote, for World.chat_limit

    @property
    def marked_id(self) -> int:
        """The id as bots have it."""
        return {"private": self.id, "group": -self.id, "supergroup": -1_000_000_000_000 - self.id}[self.kind]


class Answer(NamedTuple):
    """What a person sees after pressing a button."""

    text: str | None
    alert: bool


@dataclass(eq=False)
class User:
    """A person, or the bot. The methods are what a person does; the chat is a group, or the bot for a private one."""

    world: "World" = field(repr=False)
    id: int
    name: str
    language: str | None = None
    username: str | None = None
    token: str = ""  # of a bot
    blocks_bot: bool = False
    access_hash: int = field(default_factory=lambda: secrets.randbits(62))

    async def say(self, chat: "Chat | User", text: str, *, reply_to: Message | None = None) -> Message:
        """Send a text; its commands are marked as real clients mark them."""
        entities = [
            types.MessageEntityBotCommand(offset=units(text[: found.start()]), length=units(found[0]))
            for found in COMMAND.finditer(text)
        ]
        return await self._send(chat, text=text, entities=entities, reply_to=reply_to)

    async def voice(
        self, chat: "Chat | User", data: bytes, *, duration: int = 3, data_centre: int = SIGN_IN, **more: Any
    ) -> Message:
        """Send a voice message. `more`, here and below: reply_to."""
        file = File("voice", data, "audio/ogg", duration, data_centre=data_centre)
        return await self._send(chat, file=file, **more)

    async def audio(
        self, chat: "Chat | User", data: bytes, *, name: str = "song.mp3", mime: str = "audio/mpeg", **more: Any
    ) -> Message:
        """Send a piece of music."""
        return await self._send(chat, file=File("audio", data, mime, more.pop("duration", 3), name), **more)

    async def video_note(self, chat: "Chat | User", data: bytes, *, duration: int = 3, **more: Any) -> Message:
        """Send a round video."""
        return await self._send(chat, file=File("video_note", data, "video/mp4", duration), **more)

    async def document(self, chat: "Chat | User", data: bytes, *, name: str, mime: str, **more: Any) -> Message:
        """Send a file."""
        return await self._send(chat, file=File("document", data, mime, name=name), **more)

    async def forward(self, message: Message, chat: "Chat | User") -> Message:
        """Forward a message: the same text, the same file, the name of who sent it first."""
        origin = message.forwarded_from or message.sender
        return await self._send(
            chat, text=message.text, entities=message.entities, file=message.file, forwarded_from=origin
        )

    async def delete(self, message: Message) -> None:
        """Delete a message for everyone. The bot is not told: it is not documented that bots are, so none may count
        on it."""
        message.deleted = True
        await self.world.changed()

    async def press(self, message: Message, button: str, *, within: float = 10) -> Answer:
        """Press a button of a message; AssertionError if the bot does not answer. A bot that is away misses it."""
        buttons = {text: data for row in message.buttons for text, data in row}
        assert button in buttons, f"no button {button!r} but {[*buttons]}"
        query, answer = secrets.randbits(62), asyncio.get_running_loop().create_future()
        self.world.callbacks[query] = answer
        await self.world.server.push(objects.pressed(self.world, self, message, query, buttons[button]))
        try:
            return Answer(*await asyncio.wait_for(answer, within))
        except TimeoutError:
            raise AssertionError(f"no answer to the button {button!r}:\n{self.world}") from None
        finally:
            del self.world.callbacks[query]

    async def _send(self, chat: "Chat | User", **content: Any) -> Message:
        message = self.world.post(self.world.chat(self if isinstance(chat, User) else chat), self, **content)
        if message.seen_by_bot:
            await self.world.server.push(objects.updates(self.world, [message.chat.box.change(message)]))
        await self.world.changed()
        return message
