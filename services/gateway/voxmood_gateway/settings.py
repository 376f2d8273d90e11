"""The settings of the gateway."""

import re
from typing import Annotated

from limits import parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from voxmood_service import UpstreamSettings

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
DIGEST = re.compile(r"[0-9a-f]{64}")


class Settings(UpstreamSettings):
    """Environment variables prefixed VOXMOOD_."""

    gateway_port: int = Field(8000, description="port of the gateway")
    api_keys: Annotated[dict[str, str], NoDecode] = Field(
        {}, description="who may ask, as name:hash,name:hash (make key NAME=...); empty: everyone"
    )
    rate_limit: str = Field("", description="requests of each key, as 60/minute or 1000/day; empty: no limit")
    redis_url: SecretStr | None = Field(
        None, description="where several gateways count them together, redis://...; empty: each counts its own"
    )

    @field_validator("api_keys", mode="before")
    @classmethod
    def keys(cls, value: object) -> object:
        """Read name:hash,name:hash; the messages quote neither."""
        if not isinstance(value, str):
            return value
        pairs = [entry.strip().partition(":") for entry in value.split(",") if entry.strip()]
        if any(not NAME.fullmatch(name) or not DIGEST.fullmatch(digest) for name, _, digest in pairs):
            raise ValueError("must be name:hash,name:hash, each as `make key NAME=...` prints it")
        keys = {name: digest for name, _, digest in pairs}
        if len({*keys.values()}) < len(pairs):
            raise ValueError("a name or a hash stands there twice")
        return keys

    @field_validator("rate_limit")
    @classmethod
    def rate(cls, value: str) -> str:
        """Check that it is a rate."""
        try:
            return value if not value or parse(value) else ""
        except ValueError as error:
            raise ValueError("must be a rate such as 60/minute") from error

    @field_validator("redis_url")
    @classmethod
    def redis(cls, value: SecretStr | None) -> SecretStr | None:
        """Check that it is one."""
        if value and not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must begin with redis:// or rediss://")
        return value
