"""The settings of the recognition service."""

import os
from pathlib import Path

from pydantic import Field

from voxmood_service import ServiceSettings

WORKERS = 4  # each takes 70 MB and more; the cores above it make each recognition faster
CORES = os.cpu_count() or 1


class Settings(ServiceSettings):
    """Environment variables prefixed VOXMOOD_."""

    asr_port: int = Field(8001, description="port of the recognition service")
    asr_model: str = Field("base", description="Whisper model: a size, a hub id or a folder in CTranslate2 form")
    asr_compute_type: str = Field("int8", description="CTranslate2 computation: int8, int8_float32, float32")
    asr_workers: int = Field(0, ge=0, description=f"recognitions at once; 0: as many as cores, at most {WORKERS}")
    asr_threads: int = Field(0, ge=0, description="threads of each recognition; 0: the cores, shared out among them")
    asr_queue: int = Field(16, ge=0, description="requests that may wait behind those at work; more get 429")
    models_dir: Path = Field(Path("models"), description="where `make models` puts weights; sizes are looked up here")

    def workers(self) -> int:
        """Recognitions at once.

        A message is decoded a token at a time, which a second thread makes no faster: two recognitions with a core
        each take as long as one with both.
        """
        return self.asr_workers or min(CORES, WORKERS)

    def threads(self) -> int:
        """Threads of each recognition."""
        return self.asr_threads or max(1, CORES // self.workers())

    def model_source(self) -> str:
        """The folder of the model where `make models` has put it, else its name for the hub."""
        folder = self.models_dir / f"whisper-{self.asr_model}"
        return str(folder) if folder.is_dir() else self.asr_model

    def model_id(self) -> str:
        """The name that answers carry: `whisper-base` for a size, else the last part of the path or hub id."""
        name = Path(self.asr_model).name
        return name if "whisper" in name else f"whisper-{name}"
