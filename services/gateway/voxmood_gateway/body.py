"""Read the bodies of `POST /analyze`, a form or JSON, and of `POST /jobs`, a form. Not done here: what they ask for."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, TypedDict, TypeVar

from asgi_correlation_id import correlation_id
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from voxmood_gateway.jobs import webhook
from voxmood_gateway.settings import Settings

BOOLEANS = {"true": True, "false": False}  # a form has nothing but strings


Body = TypeVar("Body", bound=BaseModel)


class Options(TypedDict):
    """What an analyzer is asked beside the message."""

    language: str | None
    explain: bool
    request_id: str | None


class Asked(BaseModel):
    """What is asked of a recording or a text."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(
        None, pattern="^([a-z]{2,3})?$", description="ISO 639-1; detected when left out or empty"
    )
    explain: bool = Field(False, description="weigh the words of each sentence")


class Wish(Asked):
    """What a caller of `/analyze` sent: audio or text, one of them."""

    audio: bytes | None = Field(None, description="a recording in any container or codec that FFmpeg reads")
    text: str | None = Field(None, description="a written message")

    @model_validator(mode="after")
    def one_input(self) -> Self:
        """Exactly one of audio and text."""
        if (self.audio is None) == (self.text is None):
            raise ValueError("send either audio (multipart, audio=@file) or text, and not both")
        return self

    def options(self) -> Options:
        """For an analyzer, with the id of this request."""
        return {"language": self.language, "explain": self.explain, "request_id": correlation_id.get()}


class Order(Asked):
    """What a caller of `/jobs` sent. The files are open until the request is answered."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    audio: list[UploadFile] = Field(min_length=1)
    webhook: str | None = Field(None, description="https URL that is told when the job is done")


async def read_wish(request: Request, settings: Settings) -> Wish:
    """Read and check the body. Raises RequestValidationError (422), or HTTPException 413 or 415."""
    kind = _kind(request)
    if kind == "application/json":
        fields = await _json(request)
    elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        async with request.form(max_files=1, max_fields=8) as form:
            fields = _fields(form)
            for name, file in form.items():
                if isinstance(file, UploadFile):
                    fields[name] = await file.read()
    else:
        raise HTTPException(415, "send multipart/form-data with audio=@file or text=..., or JSON")
    wish = _checked(Wish, fields)
    if wish.audio is not None and len(wish.audio) > settings.max_bytes:
        raise HTTPException(413, f"the audio is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
    if wish.text is not None and len(wish.text) > settings.max_characters:
        raise HTTPException(413, f"the text is longer than {settings.max_characters} characters: send it in parts")
    return wish


@asynccontextmanager
async def read_order(request: Request, settings: Settings) -> AsyncIterator[Order]:
    """Read and check the body of `/jobs`. Raises as `read_wish` does."""
    if _kind(request) != "multipart/form-data":
        raise HTTPException(415, "send multipart/form-data with audio=@file, once for each file")
    async with request.form(max_files=settings.jobs_files, max_fields=8) as form:
        fields = _fields(form)
        for name in {name for name, file in form.multi_items() if isinstance(file, UploadFile)}:
            fields[name] = form.getlist(name)
        order = _checked(Order, fields)
        if any((file.size or 0) > settings.max_bytes for file in order.audio):
            raise HTTPException(413, f"a file is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
        if order.webhook:
            wrong = webhook.fault(order.webhook, settings.webhook_private)
            if settings.webhook_secret is None:
                wrong = "this gateway signs none: its operator has to set VOXMOOD_WEBHOOK_SECRET"
            if wrong:
                raise _wrong("webhook", wrong)
        yield order


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _checked(kind: type[Body], fields: Any) -> Body:
    try:
        return kind.model_validate(fields, strict=True)
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from error


async def _json(request: Request) -> Any:
    try:
        fields = json.loads(await request.body())
    except ValueError as error:
        raise _wrong("json", "not valid JSON") from error
    if isinstance(fields, dict) and "audio" in fields:
        raise _wrong("audio", "has no form in JSON: send multipart/form-data with audio=@file")
    return fields


def _fields(form: FormData) -> dict[str, Any]:
    """The fields that are no files."""
    fields: dict[str, Any] = {}
    for name, value in form.items():
        if isinstance(value, UploadFile):
            continue
        if name == "audio":
            raise _wrong("audio", "not a file: with curl, write audio=@file")
        if value:  # an empty field of a form is one that was left out
            fields[name] = BOOLEANS.get(value, value) if name == "explain" else value
    return fields


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


def _schema(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of a body with these fields and the options. That it is one of two inputs goes unsaid."""
    known = Asked.model_json_schema()["properties"]
    return {
        "schema": {
            "type": "object",
            "properties": {**fields, "language": known["language"], "explain": known["explain"]},
            "required": list(required),
            "additionalProperties": False,
        }
    }


_FILE = {"type": "string", "format": "binary", "description": Wish.model_fields["audio"].description}
_TEXT = {"type": "string", "description": Wish.model_fields["text"].description}
_WEBHOOK = {"type": "string", "description": Order.model_fields["webhook"].description}

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _schema({"audio": _FILE, "text": _TEXT}),
            "application/x-www-form-urlencoded": _schema({"text": _TEXT}, required=("text",)),
            "application/json": _schema({"text": _TEXT}, required=("text",)),
        },
    }
}
"""The body as the API documentation shows it; it is read by hand, since it has three forms."""

JOBS_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _schema(
                {"audio": {"type": "array", "items": _FILE, "minItems": 1}, "webhook": _WEBHOOK}, required=("audio",)
            )
        },
    }
}
"""That of `/jobs`, read by hand too: before that it is known whether there is room for it."""
