"""One peer behind the smallest possible FastAPI.

    .venv-bench/bin/python -m bench.peers.serve whisper-cpp --port 9001        # bench/asr.py starts them all

Not done here: limits, queues, errors, all that a service needs beside the model.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, Form

from bench.peers.engines import ENGINES, Recogniser, Settings
from bench.peers.sound import decode


def create_app(recognise: Recogniser) -> FastAPI:
    """The app around a loaded engine; its routes run in threads."""
    app = FastAPI()

    @app.get("/readyz")
    def readyz() -> str:
        return "ready"

    @app.post("/v1/audio/transcriptions")
    def transcribe(
        file: Annotated[bytes, File()], language: Annotated[str | None, Form()] = None
    ) -> dict[str, str | None]:
        text, spoken = recognise(decode(file), language or None)
        return {"text": text, "language": spoken}

    return app


def main() -> None:
    """Load, then serve on the loopback interface until a signal."""
    default = Settings()
    parser = ArgumentParser(description="One peer behind the smallest possible FastAPI.")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, default=default.model, help="folder in CTranslate2 form")
    parser.add_argument("--weights", type=Path, default=default.weights, help="what bench.peers.weights made of it")
    parser.add_argument("--threads", type=int, default=default.threads)
    options = parser.parse_args()
    settings = Settings(options.model, options.weights, options.threads)
    app = create_app(ENGINES[options.engine](settings))
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
