"""The settings of the sentiment service."""

from pathlib import Path

from pydantic import Field

from voxmood_service import ServiceSettings

SHIPPED = Path(__file__).resolve().parent.parent / "model"


class Settings(ServiceSettings):
    """Environment variables prefixed VOXMOOD_."""

    sentiment_port: int = Field(8002, description="port of the sentiment service")
    sentiment_model: str = Field(
        str(SHIPPED), description="the classifier: a folder with model.onnx, or a transformers checkpoint or hub id"
    )
    sentiment_threads: int = Field(0, ge=0, description="threads of one inference; 0: all cores")
    sentiment_queue: int = Field(16, ge=0, description="requests that may wait while one is read; more get 429")
    max_texts: int = Field(256, gt=0, description="most texts in one request")
    max_total_characters: int = Field(
        400_000,
        gt=0,
        description="most characters read for one request; what the texts leave of them is spent on explain",
    )
