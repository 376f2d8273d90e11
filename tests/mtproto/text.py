"""Chats as plain text, the way a person sees them, and lengths as Telegram counts them."""

from typing import TYPE_CHECKING

from pyrogram.raw import types

if TYPE_CHECKING:
    from tests.mtproto.people import Chat, File, Message

QUOTED, FOLDED = "│ ", "▸ "  # before the lines of a quote, and of one that unfolds when it is touched
SHORT = 30  # characters of a message that an answer to it shows


def units(text: str) -> int:
    """The length of a text in UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def as_text(chat: "Chat") -> str:
    """A chat from its first message to its last; deleted messages are gone."""
    lines = [f"== {chat.title} =="]
    for message in chat.history:
        if not message.deleted:
            lines += _message(message)
    return "\n".join(lines)


def _message(message: "Message") -> list[str]:
    head = message.sender.name
    if message.forwarded_from:
        head += f" (forwarded from {message.forwarded_from.name})"
    if (answered := message.reply_to) and not answered.deleted:
        shown = answered.text.split("\n")[0] or _file(answered.file)
        head += f" ↩ {answered.sender.name}: {shown[:SHORT]}{'…' if len(shown) > SHORT else ''}"
    if message.edits:
        head += " (edited)"
    if message.action:
        return [f"{message.sender.name} {type(message.action).__name__.removeprefix('MessageAction')}"]
    lines = [f"{head}:"]
    if message.file:
        lines.append(f"  {_file(message.file)}")
    lines += [f"  {line}" for line in _quoted(message)] if message.text else []
    lines += ["  " + " ".join(f"[ {text} ]" for text, _ in row) for row in message.buttons]
    return lines


def _file(file: "File | None") -> str:
    if file is None:
        return ""
    length = f" {file.duration // 60}:{file.duration % 60:02}" if file.duration else ""
    return f"({file.kind.replace('_', ' ')}{length}{' ' + file.name if file.name else ''})"


def _quoted(message: "Message") -> list[str]:
    marks: dict[int, str] = {}  # by the place where a line begins, in UTF-16 code units
    starts, start = [], 0
    for line in message.text.split("\n"):
        starts.append((start, line))
        start += units(line) + 1
    for entity in message.entities:
        if isinstance(entity, types.MessageEntityBlockquote):
            inside = range(entity.offset, entity.offset + entity.length)
            marks |= {at: FOLDED if entity.collapsed else QUOTED for at, _ in starts if at in inside}
    return [marks.get(at, "") + line for at, line in starts]
