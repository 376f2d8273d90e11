"""What may go wrong, as seen by a caller.

    VoxmoodError        status, code, message for the user
    +-- InvalidInput    the audio or the text was refused, or there is no such job: 400, 404, 413, 415, 422
    +-- Unauthorized    the gateway wants a key, or another one: 401
    +-- Busy            the queue is full, retry_after seconds: 429
    +-- BadAnswer       a service answered nonsense: 502
    +-- Unavailable     a service is down or not ready: 503
    +-- TimedOut        a service took too long: 504

The statuses are those that the gateway answers. Messages never quote audio, text or keys.
"""


class VoxmoodError(Exception):
    """Root of this package's errors: `status` as in HTTP, `code` for programs, `str(error)` for people."""

    status = 500
    code = "error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status or self.status
        self.code = code or self.code
        self.retry_after = retry_after


class InvalidInput(VoxmoodError):
    """The input was refused: trying again with the same will not help."""

    status, code = 422, "invalid_request"


class Unauthorized(VoxmoodError):
    """The key is missing or wrong."""

    status, code = 401, "unauthorized"


class Busy(VoxmoodError):
    """Too many requests are waiting already."""

    status, code = 429, "busy"


class BadAnswer(VoxmoodError):
    """A service answered what its contract does not allow."""

    status, code = 502, "bad_answer"


class Unavailable(VoxmoodError):
    """A service cannot be reached or is still loading."""

    status, code = 503, "unavailable"


class TimedOut(VoxmoodError):
    """A service did not answer in time."""

    status, code = 504, "timed_out"
