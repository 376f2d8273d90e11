"""What may be wrong, with a request or with a model.

ServiceError
+-- SentimentError
    +-- WrongTexts          empty, or too many
    +-- TooLong             more characters than allowed
Exception
+-- ModelError              at start: the model cannot be served; the message says what to do
    +-- UnknownLabels       its labels cannot be told to be negative, neutral or positive
"""

from voxmood_service import ServiceError, Table


class SentimentError(ServiceError):
    """Root of the errors that a request can cause."""


class WrongTexts(SentimentError):
    """A text is empty, or there are too many."""


class TooLong(SentimentError):
    """One text, or all together, are too long."""


class ModelError(Exception):
    """The model cannot be loaded or served."""


class UnknownLabels(ModelError):
    """The labels of the model cannot be mapped to negative, neutral and positive."""


TABLE: Table = {WrongTexts: (422, "invalid_request"), TooLong: (413, "too_long")}
