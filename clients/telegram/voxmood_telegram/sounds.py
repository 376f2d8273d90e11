"""What in a message can be listened to. Not done here: downloading it."""

from dataclasses import dataclass
from pathlib import PurePath

from pyrogram.types import Message

NAMES = {".aac", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".weba", ".wma"}


@dataclass(frozen=True)
class Sound:
    """A recording: `recording` is the same for every copy of it, `size` is in bytes, `seconds` None if nobody says."""

    recording: str
    size: int
    seconds: float | None


def sound_of(message: Message) -> Sound | None:
    """The recording of a voice message, a round video, an audio file, or a document that is audio by type or name."""
    media = message.voice or message.video_note or message.audio or message.document
    if media is None or (media is message.document and not is_audio(media.mime_type, media.file_name)):
        return None
    seconds = getattr(media, "duration", None)
    return Sound(media.file_unique_id, media.file_size or 0, None if seconds is None else float(seconds))


def is_audio(kind: str | None, name: str | None) -> bool:
    """Whether a document is audio."""
    return (kind or "").startswith(("audio/", "application/ogg")) or PurePath(name or "").suffix.lower() in NAMES


def text_of(message: Message) -> str:
    """What is written in a message, without a command before it."""
    text = str(message.text or message.caption or "")
    if text.startswith("/"):
        _, _, text = text.partition(" ")
    return text.strip()
