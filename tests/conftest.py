"""What tests share: the real services on free ports, real servers for single apps, voices and their encodings."""

import csv
import io
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import av
import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from tests.mtproto import World
from tools.stack import ROOT, Urls, free_ports, running

VOICES = ROOT / "demo" / "voices"


@pytest.fixture(scope="session")
def stack_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the services of `stack` print, at DEBUG."""
    return tmp_path_factory.mktemp("stack") / "log.txt"


@pytest.fixture(scope="session")
def stack(stack_log: Path) -> Iterator[Urls]:
    """The real services with the real models, as the Procfile starts them."""
    with stack_log.open("w") as log, running(env={"VOXMOOD_LOG_LEVEL": "DEBUG"}, log=log) as urls:
        yield urls


@pytest.fixture(scope="session")
def voices() -> dict[str, bytes]:
    """The demo voice messages by name, without .ogg."""
    return {path.stem: path.read_bytes() for path in VOICES.glob("*.ogg")}


@pytest.fixture(scope="session")
def said() -> dict[str, dict[str, str]]:
    """What the demo voice messages say: the manifest's rows by name, without .ogg."""
    with (VOICES / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        return {row["file"].removesuffix(".ogg"): row for row in csv.DictReader(manifest)}


def bot_settings(telegram: World, services: Urls, folder: Path) -> dict[str, str]:
    """The environment of a bot of a loopback Telegram that asks these services and keeps what it has in a folder."""
    return {
        "TELEGRAM_API_ID": "1234567",
        "TELEGRAM_API_HASH": "0123456789abcdef0123456789abcdef",
        "TELEGRAM_BOT_TOKEN": telegram.bot.token,
        "VOXMOOD_TELEGRAM_DIR": str(folder),
        "VOXMOOD_ASR_URL": services.asr,
        "VOXMOOD_SENTIMENT_URL": services.sentiment,
    }


Serve = Callable[[FastAPI], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Run an app on a real server and a free port: `with serve(app) as url`."""

    @contextmanager
    def on_free_port(app: FastAPI) -> Iterator[str]:
        (port,) = free_ports(1)
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run)
        thread.start()
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            while not server.started and thread.is_alive():
                thread.join(0.01)
            client.get(url)
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()

    return on_free_port


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A real redis-server, empty."""
    (port,) = free_ports(1)
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        next(line for line in server.stdout if "Ready to accept connections" in line)
        yield f"redis://127.0.0.1:{port}"
        server.kill()


Transcode = Callable[..., bytes]


@pytest.fixture(scope="session")
def transcode() -> Transcode:
    """Encode a recording anew: `transcode(data, "mp4", "aac", video=True)`."""

    def encode(data: bytes, container: str, codec: str, *, rate: int = 48_000, video: bool = False) -> bytes:
        out = io.BytesIO()
        with av.open(io.BytesIO(data), mode="r") as source, av.open(out, mode="w", format=container) as target:
            picture = target.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p") if video else None
            sound = target.add_stream(codec, rate=rate, layout="mono")
            assert isinstance(sound, av.AudioStream)
            context = sound.codec_context
            resampler = av.AudioResampler(
                format=context.format, layout="mono", rate=rate, frame_size=context.frame_size
            )
            for frame in [*source.decode(audio=0), None]:
                for resampled in resampler.resample(frame):
                    target.mux(sound.encode(resampled))
            if picture:
                for _ in range(30):
                    target.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
                target.mux(picture.encode(None))
            target.mux(sound.encode(None))
        return out.getvalue()

    return encode
