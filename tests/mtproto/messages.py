"""The methods of Telegram's API that send, edit, fetch and delete messages, with Telegram's checks and errors."""

import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pyrogram.raw import types
from pyrogram.raw.core import TLObject

from tests.mtproto import objects
from tests.mtproto.session import Session
from tests.mtproto.text import units

if TYPE_CHECKING:
    from tests.mtproto.people import Chat, Message, User
    from tests.mtproto.world import World

TEXT_LIMIT = 4096  # UTF-16 code units
BUTTON_LIMIT = 64  # bytes


class Refusal(Exception):
    """An error that Telegram answers."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message


class Messages:
    """The part of the API that is about messages."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def _person(self, peer: Any) -> "User":
        if isinstance(peer, types.InputUserSelf | types.InputPeerSelf):
            return self.world.bot
        person = self.world.users.get(getattr(peer, "user_id", 0))
        if person is None or peer.access_hash not in (0, person.access_hash):  # bots may leave the hash out
            raise Refusal(400, "PEER_ID_INVALID")
        return person

    def _chat(self, peer: Any) -> "Chat":
        if isinstance(peer, types.InputPeerUser):
            return self.world.chat(self._person(peer))
        if isinstance(peer, types.InputPeerChat):
            chat, lacking = self.world.chats.get(-peer.chat_id), Refusal(400, "CHAT_ID_INVALID")
        else:
            chat, lacking = self.world.chats.get(-1_000_000_000_000 - peer.channel_id), Refusal(400, "CHANNEL_INVALID")
        if chat is None or getattr(peer, "access_hash", 0) not in (0, chat.access_hash):
            raise lacking
        if chat.kind == "supergroup" and self.world.bot not in chat.members:
            raise Refusal(400, "CHANNEL_PRIVATE")
        return chat

    @staticmethod
    def _check_content(query: Any) -> None:
        if query.message is not None:
            length = units(query.message)
            if not query.message.strip():
                raise Refusal(400, "MESSAGE_EMPTY")
            if length > TEXT_LIMIT:
                raise Refusal(400, "MESSAGE_TOO_LONG")
            for entity in query.entities or []:
                if entity.offset < 0 or entity.length < 1 or entity.offset + entity.length > length:
                    raise Refusal(400, "ENTITY_BOUNDS_INVALID")
        for row in getattr(query.reply_markup, "rows", []):
            for button in row.buttons:
                if not button.text:
                    raise Refusal(400, "BUTTON_TEXT_INVALID")
                if len(getattr(button.type, "data", b"")) > BUTTON_LIMIT:
                    raise Refusal(400, "BUTTON_DATA_INVALID")

    def _writable(self, peer: Any) -> "Chat":
        chat = self._chat(peer)
        if chat.kind == "private" and self.world.users[chat.id].blocks_bot:
            raise Refusal(400, "USER_IS_BLOCKED")
        if self.world.bot not in chat.members:
            raise Refusal(403, "CHAT_WRITE_FORBIDDEN")
        return chat

    def _check_rate(self, chat: "Chat") -> None:
        if self.world.chat_limit is None:
            return
        count, seconds = self.world.chat_limit
        now = time.monotonic()
        chat.writes = [written for written in chat.writes if now - written < seconds]
        if len(chat.writes) >= count:
            raise Refusal(420, f"FLOOD_WAIT_{int(seconds - (now - chat.writes[0])) + 1}")
        chat.writes.append(now)

    def _answered(self, chat: "Chat", reply: Any) -> "Message | None":
        """The message that an answer names. What Telegram does when that was deleted differs: mostly it refuses (the
        documented error), sometimes it takes the answer and links it to nothing (tdlib/telegram-bot-api issue 469).
        Here it refuses; `World.refuses_deleted_replies` changes that."""
        if reply is None:
            return None
        message = chat.box.messages.get(reply.reply_to_msg_id)
        if message is None or message.chat is not chat:
            raise Refusal(400, "REPLY_MESSAGE_ID_INVALID")
        if message.deleted and self.world.refuses_deleted_replies:
            raise Refusal(400, "REPLY_MESSAGE_ID_INVALID")
        return None if message.deleted else message

    def messages_SendMessage(self, session: Session, query: Any) -> Any:
        """The bot writes. The same random_id twice is the same message: nothing is sent again."""
        chat = self._writable(query.peer)
        self._check_content(query)
        if query.random_id in self.world.random_ids:
            raise Refusal(400, "RANDOM_ID_DUPLICATE")
        reply_to = self._answered(chat, query.reply_to)
        self._check_rate(chat)
        self.world.random_ids.add(query.random_id)
        message = self.world.post(
            chat,
            self.world.bot,
            text=query.message,
            entities=query.entities or [],
            markup=query.reply_markup,
            reply_to=reply_to,
        )
        change = chat.box.change(message)
        if chat.kind == "private" and not message.markup:
            return types.UpdateShortSentMessage(
                id=message.id, pts=change.pts, pts_count=1, date=message.date, out=True, entities=query.entities or None
            )
        return objects.updates(
            self.world, [change], first=[types.UpdateMessageID(id=message.id, random_id=query.random_id)]
        )

    def messages_EditMessage(self, session: Session, query: Any) -> Any:
        """The bot edits a message of its own; a keyboard that is not sent along is removed."""
        chat = self._writable(query.peer)
        message = chat.box.messages.get(query.id)
        if message is None or message.deleted or message.chat is not chat:
            raise Refusal(400, "MESSAGE_ID_INVALID")
        if message.sender is not self.world.bot:
            raise Refusal(403, "MESSAGE_AUTHOR_REQUIRED")
        self._check_content(query)
        after = message.text, message.entities, query.reply_markup
        if query.message is not None:
            after = query.message, query.entities or [], query.reply_markup
        if repr(after) == repr((message.text, message.entities, message.markup)):  # == takes bold for italic
            raise Refusal(400, "MESSAGE_NOT_MODIFIED")
        self._check_rate(chat)
        message.text, message.entities, message.markup = after
        message.edits.append((time.monotonic(), message.text))
        return objects.updates(self.world, [chat.box.change(message, edited=True)])

    def messages_DeleteMessages(self, session: Session, query: Any) -> Any:
        """The bot deletes messages: its own, any in a private chat, any where it is an admin."""
        box = self._chat(query.channel).box if hasattr(query, "channel") else self.world.box
        messages = [box.messages[number] for number in query.id if number in box.messages]
        for message in messages:
            if (
                message.sender is not self.world.bot
                and message.chat.kind != "private"
                and self.world.bot not in message.chat.admins
            ):
                raise Refusal(403, "MESSAGE_DELETE_FORBIDDEN")
        for message in messages:
            message.deleted = True
        box.pts += len(messages)
        return types.messages.AffectedMessages(pts=box.pts, pts_count=len(messages))

    channels_DeleteMessages = messages_DeleteMessages

    def messages_GetMessages(self, session: Session, query: Any) -> Any:
        """Messages by their ids, or those that they answer. Asked for as what it answers, a message is shown even where
        privacy mode has kept it from the bot."""
        box = self._chat(query.channel).box if hasattr(query, "channel") else self.world.box
        found: list[Message] = []
        given: list[Any] = []
        for wanted in map(as_object, query.id):
            message = box.messages.get(wanted.id)
            if isinstance(wanted, types.InputMessageReplyTo) and message and message.seen_by_bot:
                message = message.reply_to
                if message:
                    message.seen_by_bot = True
            if message and message.seen_by_bot and not message.deleted:
                found.append(message)
                given.append(objects.message(self.world, message))
            else:
                given.append(types.MessageEmpty(id=wanted.id))
        about = objects.mentioned(self.world, found)
        if box is self.world.box:
            return types.messages.Messages(messages=given, topics=[], **about)
        return types.messages.ChannelMessages(pts=box.pts, count=len(given), messages=given, topics=[], **about)

    channels_GetMessages = messages_GetMessages

    def messages_SetTyping(self, session: Session, query: Any) -> Any:
        """The bot shows that it is at work; only `World.calls` tells."""
        self._writable(query.peer)
        return True

    def messages_SetBotCallbackAnswer(self, session: Session, query: Any) -> Any:
        """The bot answers the press of a button, once and while somebody waits for it."""
        waiting = self.world.callbacks.get(query.query_id)
        if waiting is None or waiting.done():
            raise Refusal(400, "QUERY_ID_INVALID")
        waiting.set_result((query.message, bool(query.alert)))
        return True


def as_object(item: Any) -> Any:
    """An item of a vector in a query: pyrogram reads objects of four or eight bytes as numbers."""
    if not isinstance(item, int):
        return item
    return TLObject.read(BytesIO(item.to_bytes(8 if abs(item) >> 32 else 4, "little", signed=True)))
