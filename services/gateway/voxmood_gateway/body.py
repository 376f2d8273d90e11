"""Read the body of `POST /analyze`: a multipart or URL-encoded form, or JSON. Not done here: the analysis."""

import json
from typing import Any, Self

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from voxmood_gateway.settings import Settings


class Wish(BaseModel):
    """What a caller sent: audio or text, one of them."""

    model_config = ConfigDict(extra="forbid")

    audio: bytes | None = Field(None, description="a recording in any container or codec that FFmpeg reads")
    text: str | None = Field(None, description="a written message")
    language: str | None = Field(None, pattern="^[a-z]{2,3}$", description="ISO 639-1; detected when left out")
    explain: bool = Field(False, description="weigh the words of each sentence")

    @model_validator(mode="after")
    def one_input(self) -> Self:
        """Exactly one of audio and text."""
        if (self.audio is None) == (self.text is None):
            raise ValueError("send either audio (multipart, audio=@file) or text, and not both")
        return self


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
        wish = Wish.model_validate(fields)
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
    if isinstance(fields, dict):
        fields.pop("audio", None)  # bytes have no form in JSON: only text does
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
                fields[name] = value
        return fields


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "audio": {"type": "string", "format": "binary"},
                        "text": {"type": "string"},
                        "language": {"type": "string"},
                        "explain": {"type": "boolean"},
                    },
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {
                        "text": {"type": "string", "minLength": 1},
                        "language": {"type": "string"},
                        "explain": {"type": "boolean"},
                    },
                }
            },
        },
    }
}
"""The body as the API documentation shows it; it is read by hand, since it has three forms."""
