"""The settings of the gateway."""

import re
from pathlib import Path
from typing import Annotated, Self

from limits import parse
from pydantic import Field, SecretStr, field_validator, model_validator
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
    jobs_dir: Path | None = Field(
        None, description="folder in which jobs and their audio wait; empty: no jobs, and nothing is ever stored"
    )
    jobs_redis_url: SecretStr | None = Field(
        None, description="where several gateways share their jobs instead, redis://...; it has to keep what it has"
    )
    jobs_parallel: int = Field(1, gt=0, description="jobs that a gateway works on at a time")
    jobs_queue: int = Field(20, gt=0, description="unfinished jobs that a key may have; more get 429")
    jobs_files: int = Field(100, gt=0, description="most files in a job")
    jobs_max_bytes: int = Field(50_000_000, gt=0, description="largest job accepted, all its files together, in bytes")
    jobs_keep: float = Field(
        24, gt=0, description="hours after which what a job has not done is given up, and what it has done is deleted"
    )
    jobs_patience: int = Field(
        30, gt=0, description="seconds of silence after which another gateway takes over a shared job"
    )
    webhook_secret: SecretStr | None = Field(
        None, min_length=32, description="of which the secrets are made that sign webhooks; empty: no webhooks"
    )
    webhook_private: bool = Field(
        False, description="whether webhooks may have private addresses and plain HTTP, as where nobody else can call"
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

    @field_validator("redis_url", "jobs_redis_url")
    @classmethod
    def redis(cls, value: SecretStr | None) -> SecretStr | None:
        """Check that it is one."""
        if value and not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must begin with redis:// or rediss://")
        return value

    @model_validator(mode="after")
    def one_place(self) -> Self:
        """Jobs are kept in one place."""
        if self.jobs_dir and self.jobs_redis_url:
            raise ValueError("set VOXMOOD_JOBS_DIR or VOXMOOD_JOBS_REDIS_URL, not both")
        return self
