"""The settings of the gateway."""

from pydantic import Field, SecretStr

from voxmood_service import UpstreamSettings


class Settings(UpstreamSettings):
    """Environment variables prefixed VOXMOOD_."""

    gateway_port: int = Field(8000, description="port of the gateway")
    api_key: SecretStr | None = Field(None, description="when set, /analyze wants it as a bearer token")
