"""What the bot does in Telegram: fetch, download, send once, edit. Telegram's many errors become these three:

    Trouble       the network, or a fault of Telegram's: try again in `seconds`
    +-- Flood     too many requests: not before `seconds`
    Gone          the chat or the message is not there for us any more: nothing can or need be done

Not done here: deciding what is said.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from pyrogram import errors, raw
from pyrogram.enums import ParseMode
from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message

from voxmood_telegram.session import Session

Buttons = Sequence[Sequence[tuple[str, str]]]  # rows of (text, data)
SEARCHED = 500  # how many messages below one are looked through for our reply
PAGE = 100  # most messages in one request
TIMEOUT = 15  # seconds for Telegram to answer


class Trouble(Exception):
    """Try again in `seconds`."""

    def __init__(self, reason: str, seconds: float = 1) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Flood(Trouble):
    """Too many requests to this chat: not before `seconds`."""


class Gone(Exception):
    """The chat or the message is not there any more, or we may not write to it."""


GONE = (
    errors.Forbidden,
    errors.ChannelInvalid,
    errors.ChannelPrivate,
    errors.ChatIdInvalid,
    errors.ChatRestricted,
    errors.ChatWriteForbidden,
    errors.ChatAdminRequired,
    errors.InputUserDeactivated,
    errors.MessageAuthorRequired,
    errors.MessageDeleteForbidden,
    errors.MessageIdInvalid,
    errors.MessageIdsEmpty,
    errors.MsgIdInvalid,
    errors.NotAcceptable,
    errors.PeerIdInvalid,
    errors.ReplyMessageIdInvalid,
    errors.UserBannedInChannel,
    errors.UserIsBlocked,
)


@contextmanager
def translated() -> Iterator[None]:
    """Telegram's errors as ours."""
    try:
        yield
    except (errors.FloodWait, errors.SlowmodeWait, errors.FloodPremiumWait) as error:
        raise Flood("flood", float(error.value)) from error
    except GONE as error:
        raise Gone(type(error).__name__) from error
    except (OSError, TimeoutError, errors.InternalServerError, errors.ServiceUnavailable) as error:
        raise Trouble(type(error).__name__) from error
    except (KeyError, ValueError) as error:  # pyrogram's word for a chat that the session does not know
        raise Gone(type(error).__name__) from error


class Messenger:
    """The verbs. All raise Trouble, Flood or Gone."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def fetch(self, chat: int, message: int, asked: int | None = None) -> Message | None:
        """A message as it is now, its file reference fresh; None if it was deleted.

        In a group whose messages the bot may not see, it may see the one that the message `asked` answers.
        """
        with translated():
            if asked and asked != message:
                found = await self.session.get_messages(chat, asked, reply=True)
            else:
                found = await self.session.get_messages(chat, message)
        if not isinstance(found, Message) or found.empty:
            return None
        return found

    async def download(self, message: Message, asked: int | None = None) -> bytes:
        """The file of a message, in memory; `asked` as in `fetch`."""
        try:
            return await self._load(message)
        except errors.FileReferenceExpired:  # it is valid for a while only: the message, fetched again, has a new one
            fresh = await self.fetch(message.chat.id, message.id, asked)
            if fresh is None:
                raise Gone("deleted") from None
            with translated():
                return await self._load(fresh)

    async def _load(self, message: Message) -> bytes:
        data = io.BytesIO()
        try:
            with translated():
                async for chunk in self.session.stream_media(message):
                    data.write(chunk)
        except errors.FileReferenceEmpty as error:
            raise errors.FileReferenceExpired from error
        return data.getvalue()

    async def reply(self, chat: int, text: str, *, below: int, buttons: Buttons = ()) -> int:
        """Our one message below another; its number. Written before (and the process killed since), it is changed."""
        sent = await self.send(chat, text, below=below, purpose="reply", buttons=buttons)
        if sent is not None:
            return sent
        with translated():
            found = await self._find_reply(chat, below)
        if found is None:
            raise Gone("our message was deleted")
        await self.edit(chat, found, text, buttons)
        return found

    async def send(self, chat: int, text: str, *, below: int, purpose: str, buttons: Buttons = ()) -> int | None:
        """Write a message below another, once a purpose. Its number; None if it was sent before: then nothing is."""
        with translated():
            parsed = await self.session.parser.parse(text, ParseMode.HTML)
            query = raw.functions.messages.SendMessage(
                peer=await self.session.resolve_peer(chat),
                message=parsed["message"],
                entities=parsed["entities"] or None,
                reply_to=raw.types.InputReplyToMessage(reply_to_msg_id=below),
                random_id=once(chat, below, purpose),
                reply_markup=await keyboard(buttons).write(self.session) if buttons else None,
                no_webpage=True,
            )
            try:
                # Not `invoke`, which would try again by itself and then lose the error that says "already sent".
                updates = await self._connection().send(query, timeout=TIMEOUT)
            except errors.RandomIdDuplicate:
                return None
        return number_of(updates)

    async def edit(self, chat: int, message: int, text: str, buttons: Buttons = ()) -> None:
        """Change a message of ours. Saying the same again is no error."""
        with translated():
            try:
                await self.session.edit_message_text(
                    chat,
                    message,
                    text,
                    parse_mode=ParseMode.HTML,
                    reply_markup=keyboard(buttons) if buttons else None,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                )
            except errors.MessageNotModified:
                return

    async def edit_buttons(self, chat: int, message: int, buttons: Buttons) -> None:
        """Change the buttons below a message of ours."""
        with translated():
            try:
                await self.session.edit_message_reply_markup(chat, message, reply_markup=keyboard(buttons))
            except errors.MessageNotModified:
                return

    async def delete(self, chat: int, message: int) -> None:
        """Delete a message of ours."""
        with translated():
            await self.session.delete_messages(chat, message)

    async def _find_reply(self, chat: int, below: int) -> int | None:
        for start in range(below + 1, below + SEARCHED, PAGE):
            found = await self.session.get_messages(chat, range(start, start + PAGE))
            for message in found if isinstance(found, list) else [found]:
                if message and message.outgoing and message.reply_to_message_id == below:
                    return int(message.id)
        return None

    def _connection(self) -> Any:
        if self.session.session is None:
            raise ConnectionError("not connected")
        return self.session.session


def once(*what: object) -> int:
    """A number for a sending, always the same for the same one: Telegram refuses to do it twice."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest(), "little", signed=True)


def keyboard(buttons: Buttons) -> InlineKeyboardMarkup:
    """Buttons as pyrogram wants them."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=data) for text, data in r] for r in buttons])


def number_of(updates: Any) -> int:
    """The number of the message that was sent, of Telegram's answer."""
    if isinstance(updates, raw.types.UpdateShortSentMessage):
        return int(updates.id)
    return next(int(update.id) for update in updates.updates if isinstance(update, raw.types.UpdateMessageID))
