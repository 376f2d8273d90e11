"""The settings of the recognition service."""

from pathlib import Path

from pydantic import Field

from voxmood_service import ServiceSettings


class Settings(ServiceSettings):
    """Environment variables prefixed VOXMOOD_."""

    asr_port: int = Field(8001, description="port of the recognition service")
    asr_model: str = Field("base", description="Whisper model: a size, a hub id or a folder in CTranslate2 form")
    asr_compute_type: str = Field("int8", description="CTranslate2 computation: int8, int8_float32, float32")
    asr_threads: int = Field(0, ge=0, description="threads of one recognition; 0: all cores")
    asr_queue: int = Field(16, ge=0, description="requests that may wait while one is recognised; more get 429")
    models_dir: Path = Field(Path("models"), description="where `make models` puts weights; sizes are looked up here")
    max_seconds: float = Field(600, gt=0, description="longest audio accepted, in seconds")

    def model_source(self) -> str:
        """The folder of the model where `make models` has put it, else its name for the hub."""
        folder = self.models_dir / f"whisper-{self.asr_model}"
        return str(folder) if folder.is_dir() else self.asr_model

    def model_id(self) -> str:
        """The name that answers carry: `whisper-base` for a size, else the last part of the path or hub id."""
        name = Path(self.asr_model).name
        return name if "whisper" in name else f"whisper-{name}"
