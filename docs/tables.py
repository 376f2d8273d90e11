"""Tables that are made of the code while the site is made, so that they cannot say anything else: settings, fields.

A page has a comment where a table goes, `<!-- settings -->` or `<!-- fields of Analysis -->`; where the files are
browsed instead of the site, nothing is seen of it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import voxmood.models
import voxmood_sentiment.schemas
from voxmood_asr.settings import Settings as Asr
from voxmood_gateway.settings import Settings as Gateway
from voxmood_sentiment.settings import Settings as Sentiment
from voxmood_service import ServiceSettings, UpstreamSettings
from voxmood_telegram.settings import Settings as Telegram

OWNERS = {
    "every service": ServiceSettings,
    "speech recognition": Asr,
    "sentiment": Sentiment,
    "gateway and Telegram bot": UpstreamSettings,
    "gateway": Gateway,
    "Telegram bot": Telegram,
}
COMMENT = re.compile(r"<!-- (settings|fields of ([\w ,]+)) -->")


def table(header: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    cells = [tuple(header.split(" | ")), ("---",) * (header.count(" | ") + 1), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def settings() -> str:
    """Every setting, under who reads it."""
    parts, shown = [], set[str]()
    for owner, kind in OWNERS.items():
        rows = [
            (f"`{field.validation_alias or f'VOXMOOD_{name.upper()}'}`", default(kind, name), field.description or "")
            for name, field in kind.model_fields.items()
            if name not in shown
        ]
        shown |= {*kind.model_fields}
        parts.append(f"## {owner[0].upper()}{owner[1:]}\n\n{table('variable | default | meaning', rows)}")
    return "\n\n".join(parts)


def default(kind: type[BaseModel], name: str) -> str:
    """The default of a setting as it would be written."""
    value = kind.model_fields[name].default
    if value is PydanticUndefined:
        return "must be set"
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    if name == "sentiment_model":
        value = "services/sentiment/model"
    return f"`{value}`" if value not in (None, "", {}) else ""


def fields(names: str) -> str:
    """The fields of models of answers, one table a model."""
    return "\n\n".join(f"`{name}`:\n\n{table('field | type | meaning', [*rows(name)])}" for name in names.split(", "))


def rows(name: str) -> Iterator[tuple[str, ...]]:
    """A row for each field of a model. Raises KeyError if a field does not say what it means."""
    model: type[BaseModel] = getattr(voxmood.models, name, None) or getattr(voxmood_sentiment.schemas, name)
    for field, schema in model.model_json_schema()["properties"].items():
        yield f"`{field}`", kind_of(schema), schema["description"]


def kind_of(schema: dict[str, Any]) -> str:
    """The type of a field in words."""
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if schema["type"] == "array":
        return f"list of {kind_of(schema['items'])}s"
    return str(schema["type"])


def fill(text: str) -> str:
    """A page with its tables."""
    return COMMENT.sub(lambda found: fields(found[2]) if found[2] else settings(), text)
