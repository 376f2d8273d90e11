"""The settings that every service shares. Each service has one class that extends this one."""

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read from environment variables prefixed VOXMOOD_, in capitals; errors name the variable."""

    model_config = SettingsConfigDict(env_prefix="VOXMOOD_", env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much to log")
    otlp_endpoint: str = Field(
        "",
        pattern="^(https?://.+)?$",
        description="where traces go, as http://collector:4318 (OpenTelemetry, OTLP over HTTP); empty: nowhere",
    )
    max_bytes: int = Field(20_000_000, gt=0, description="largest audio accepted, in bytes")
    max_seconds: float = Field(600, gt=0, description="longest audio accepted, in seconds")
    max_characters: int = Field(
        20_000, gt=0, description="longest text accepted, in characters; speech has up to 20 a second"
    )
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        ("en", "ru"), description="languages spoken here: detection chooses among them"
    )

    @field_validator("languages", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        """Let VOXMOOD_LANGUAGES=en,ru be written without brackets."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class UpstreamSettings(ServiceSettings):
    """The settings of who asks the two services."""

    asr_url: str = Field("http://127.0.0.1:8001", description="where speech recognition is")
    asr_key: SecretStr | None = Field(None, description="bearer token for an asr service that is not ours")
    asr_timeout: float = Field(600, gt=0, description="longest wait for a recognition, its queue included, in seconds")
    sentiment_url: str = Field("http://127.0.0.1:8002", description="where the sentiment service is")
    sentiment_timeout: float = Field(60, gt=0, description="longest wait for a classification, in seconds")


Settings = TypeVar("Settings", bound=ServiceSettings)


def read_settings(kind: type[Settings], file: Path | None = None) -> Settings:
    """Read a service's settings, from a .env file too; where one is wrong, end the process and say which and why."""
    try:
        return kind(_env_file=file)
    except ValidationError as error:
        # Without the values: one of them may be a key.
        names = [str(item["loc"][0]) for item in error.errors()]
        known = [name if name.isupper() else f"VOXMOOD_{name.upper()}" for name in names]  # an alias is the variable
        faults = [f"{name}: {item['msg']}" for name, item in zip(known, error.errors(), strict=True)]
        sys.exit("wrong settings: " + "; ".join(faults))
