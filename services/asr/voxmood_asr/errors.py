"""What may be wrong with a request for recognition.

ServiceError
+-- AsrError
    +-- NotAudio            no known container, or one without sound
    +-- UnreadableAudio     audio, but empty or broken beyond use
    +-- AudioTooLarge       more bytes than allowed
    +-- AudioTooLong        more seconds than allowed
    +-- UnknownLanguage     a language that the model does not speak
"""

from voxmood_service import ServiceError, Table


class AsrError(ServiceError):
    """Root of this package's errors."""


class NotAudio(AsrError):
    """The bytes are no audio."""


class UnreadableAudio(AsrError):
    """The bytes are audio that cannot be decoded."""


class AudioTooLarge(AsrError):
    """The file has too many bytes."""


class AudioTooLong(AsrError):
    """The sound lasts too long."""


class UnknownLanguage(AsrError):
    """The model does not speak the language asked for."""


class ModelError(Exception):
    """The model cannot be loaded."""


TABLE: Table = {
    NotAudio: (415, "not_audio"),
    UnreadableAudio: (400, "unreadable_audio"),
    AudioTooLarge: (413, "too_large"),
    AudioTooLong: (413, "too_long"),
    UnknownLanguage: (422, "unknown_language"),
}
