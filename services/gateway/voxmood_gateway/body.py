"""Read the body of `POST /analyze`: a multipart or URL-encoded form, or JSON. Not done here: the analysis."""

import json
from typing import Any, Self, TypedDict

from asgi_correlation_id import correlation_id
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from voxmood_gateway.settings import Settings

BOOLEANS = {"true": True, "false": False}  # a form has nothing but strings


class Options(TypedDict):
    """What an analyzer is asked beside the message."""

    language: str | None
    explain: bool
    request_id: str | None


class Wish(BaseModel):
    """What a caller sent: audio or text, one of them."""

    model_config = ConfigDict(extra="forbid")

    audio: bytes | None = Field(None, description="a recording in any container or codec that FFmpeg reads")
    text: str | None = Field(None, description="a written message")
    language: str | None = Field(
        None, pattern="^([a-z]{2,3})?$", description="ISO 639-1; detected when left out or empty"
    )
    explain: bool = Field(False, description="weigh the words of each sentence")

    @model_validator(mode="after")
    def one_input(self) -> Self:
        """Exactly one of audio and text."""
        if (self.audio is None) == (self.text is None):
            raise ValueError("send either audio (multipart, audio=@file) or text, and not both")
        return self

    def options(self) -> Options:
        """For an analyzer, with the id of this request."""
        return {"language": self.language, "explain": self.explain, "request_id": correlation_id.get()}


async def read_wish(request: Request, settings: Settings) -> Wish:
    """Read and check the body. Raises RequestValidationError (422), or HTTPException 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        fields = await _json(request)
    elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        fields = await _form(request)
    else:
        raise HTTPException(415, "send multipart/form-data with audio=@file or text=..., or JSON")
    try:
        wish = Wish.model_validate(fields, strict=True)
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from error
    if wish.audio is not None and len(wish.audio) > settings.max_bytes:
        raise HTTPException(413, f"the audio is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
    if wish.text is not None and len(wish.text) > settings.max_characters:
        raise HTTPException(413, f"the text is longer than {settings.max_characters} characters: send it in parts")
    return wish


async def _json(request: Request) -> Any:
    try:
        fields = json.loads(await request.body())
    except ValueError as error:
        raise _wrong("json", "not valid JSON") from error
    if isinstance(fields, dict) and "audio" in fields:
        raise _wrong("audio", "has no form in JSON: send multipart/form-data with audio=@file")
    return fields


async def _form(request: Request) -> dict[str, Any]:
    async with request.form(max_files=1, max_fields=8) as form:
        fields: dict[str, Any] = {}
        for name, value in form.items():
            if isinstance(value, UploadFile):
                fields[name] = await value.read()
            elif name == "audio":
                raise _wrong("audio", "not a file: with curl, write audio=@file")
            elif value:  # an empty field of a form is one that was left out
                fields[name] = BOOLEANS.get(value, value) if name == "explain" else value
        return fields


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


def _schema(*inputs: str) -> dict[str, Any]:
    """The schema of a body with these inputs and the options. With two inputs, that it is one of them goes unsaid."""
    known = Wish.model_json_schema()["properties"] | {
        "audio": {"type": "string", "format": "binary", "description": Wish.model_fields["audio"].description},
        "text": {"type": "string", "description": Wish.model_fields["text"].description},
    }
    return {
        "schema": {
            "type": "object",
            "properties": {name: known[name] for name in (*inputs, "language", "explain")},
            "required": inputs if len(inputs) == 1 else [],
            "additionalProperties": False,
        }
    }


OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _schema("audio", "text"),
            "application/x-www-form-urlencoded": _schema("text"),
            "application/json": _schema("text"),
        },
    }
}
"""The body as the API documentation shows it; it is read by hand, since it has three forms."""
