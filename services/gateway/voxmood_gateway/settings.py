"""The settings of the gateway."""

from pydantic import Field, SecretStr

from voxmood_service import ServiceSettings


class Settings(ServiceSettings):
    """Environment variables prefixed VOXMOOD_."""

    gateway_port: int = Field(8000, description="port of the gateway")
    api_key: SecretStr | None = Field(None, description="when set, /analyze wants it as a bearer token")
    asr_url: str = Field("http://127.0.0.1:8001", description="where speech recognition is")
    asr_key: SecretStr | None = Field(None, description="bearer token for an asr service that is not ours")
    asr_timeout: float = Field(600, gt=0, description="longest wait for a recognition, its queue included, in seconds")
    sentiment_url: str = Field("http://127.0.0.1:8002", description="where the sentiment service is")
    sentiment_timeout: float = Field(60, gt=0, description="longest wait for a classification, in seconds")
