"""Read the body of `POST /jobs`: a multipart form with files, which are left where they are until they are kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from pydantic import ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from voxmood_gateway.body import FILE, Asked, checked, fields_of, kind_of, schema, wrong
from voxmood_gateway.jobs import webhook
from voxmood_gateway.settings import Settings


class Order(Asked):
    """What a caller sent."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    audio: list[UploadFile] = Field(min_length=1)
    webhook: str | None = Field(None, description="https URL that is told when the job is done")


@asynccontextmanager
async def read_order(request: Request, settings: Settings) -> AsyncIterator[Order]:
    """Read and check the body; its files are open as long as the block lasts. Raises as `body.read_wish` does."""
    if kind_of(request) != "multipart/form-data":
        raise HTTPException(415, "send multipart/form-data with audio=@file, once for each file")
    async with request.form(max_files=settings.jobs_files, max_fields=8) as form:
        fields = fields_of(form)
        for name in {name for name, file in form.multi_items() if isinstance(file, UploadFile)}:
            fields[name] = form.getlist(name)
        order = checked(Order, fields)
        if any((file.size or 0) > settings.max_bytes for file in order.audio):
            raise HTTPException(413, f"a file is larger than {settings.max_bytes / 1e6:.3g} MB: send it in parts")
        if order.webhook:
            fault = webhook.fault(order.webhook, settings.webhook_private)
            if settings.webhook_secret is None:
                fault = "this gateway signs none: its operator has to set VOXMOOD_WEBHOOK_SECRET"
            if fault:
                raise wrong("webhook", fault)
        yield order


_FILES = {"type": "array", "items": FILE, "minItems": 1}
_WEBHOOK = {"type": "string", "description": Order.model_fields["webhook"].description}

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": schema({"audio": _FILES, "webhook": _WEBHOOK}, required=("audio",)),
        },
    }
}
"""The body as the API documentation shows it; it is read by hand, once it is known that there is room for a job."""
