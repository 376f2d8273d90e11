"""Read the body of `POST /analyze`: a multipart or URL-encoded form, or JSON. Not done here: the analysis."""

import json
import re
from typing import Annotated, Any, Self, TypedDict, TypeVar

from asgi_correlation_id import correlation_id
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, field_validator, model_validator
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from voxmood_gateway.settings import Settings

LANGUAGE = "^([a-z]{2,3})?$"
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

    language: Annotated[str, WithJsonSchema({"type": "string", "pattern": LANGUAGE})] | None = Field(
        None, description="ISO 639-1; detected when left out or empty"
    )
    explain: bool = Field(False, description="weigh the words of each sentence")

    @field_validator("language")
    @classmethod
    def code(cls, value: str | None) -> str | None:
        """Check that it looks like one."""
        if value and not re.fullmatch(LANGUAGE, value):
            raise ValueError("must be an ISO 639-1 code, such as en or ru, or be left out")
        return value


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


async def read_wish(request: Request, settings: Settings) -> Wish:
    """Read and check the body. Raises RequestValidationError (422), or HTTPException 413 or 415."""
    kind = kind_of(request)
    if kind == "application/json":
        fields = await _json(request)
    elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        async with request.form(max_files=1, max_fields=8) as form:
            fields = fields_of(form)
            for name, file in form.items():
                if isinstance(file, UploadFile):
                    fields[name] = await file.read()
    else:
        raise HTTPException(415, "send multipart/form-data with audio=@file or text=..., or JSON")
    wish = checked(Wish, fields)
    if wish.audio is not None and len(wish.audio) > settings.max_bytes:
        raise HTTPException(413, f"the audio is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
    if wish.text is not None and len(wish.text) > settings.max_characters:
        raise HTTPException(413, f"the text is longer than {settings.max_characters} characters: send it in parts")
    return wish


def kind_of(request: Request) -> str:
    """The media type of the body."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def checked(kind: type[Body], fields: Any) -> Body:
    """The fields as they are expected. Raises RequestValidationError."""
    try:
        return kind.model_validate(fields, strict=True)
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from error


async def _json(request: Request) -> Any:
    try:
        fields = json.loads(await request.body())
    except ValueError as error:
        raise wrong("json", "not valid JSON") from error
    if isinstance(fields, dict) and "audio" in fields:
        raise wrong("audio", "has no form in JSON: send multipart/form-data with audio=@file")
    return fields


def fields_of(form: FormData) -> dict[str, Any]:
    """The fields that are no files."""
    fields: dict[str, Any] = {}
    for name, value in form.items():
        if isinstance(value, UploadFile):
            continue
        if name == "audio":
            raise wrong("audio", "not a file: with curl, write audio=@file")
        if value:  # an empty field of a form is one that was left out
            fields[name] = BOOLEANS.get(value, value) if name == "explain" else value
    return fields


def wrong(field: str, message: str) -> RequestValidationError:
    """What is wrong with a field."""
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


def schema(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
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


FILE = {"type": "string", "format": "binary", "description": Wish.model_fields["audio"].description}
TEXT = {"type": "string", "description": Wish.model_fields["text"].description}

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": schema({"audio": FILE, "text": TEXT}),
            "application/x-www-form-urlencoded": schema({"text": TEXT}, required=("text",)),
            "application/json": schema({"text": TEXT}, required=("text",)),
        },
    }
}
"""The body as the API documentation shows it; it is read by hand, since it has three forms."""
