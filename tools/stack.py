"""Run the Procfile's processes without Docker: start, wait until every model is loaded, stop.

    python -m tools.stack        # on the usual ports, until Ctrl-C; what `make run` does

honcho runs the processes, and ends all of them when one ends: `make run` then starts all again. It reads `.env`; the
demo and the tests run the same processes with the default settings, on free ports.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".env"
START_SECONDS = 120  # a cold disk and two busy cores
STOP_SECONDS = 20


@dataclass(frozen=True)
class Urls:
    """Where the services are."""

    asr: str
    sentiment: str
    gateway: str


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def running(
    ports: tuple[int, int, int] | None = None, env: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> Iterator[Urls]:
    """Run all services while the block lasts: on `ports` (asr, sentiment, gateway) or free ones, output to `log`.

    Raises RuntimeError if a service ends or is not ready in time.
    """
    with processes(ports, env, log) as (urls, _):
        yield urls


@contextmanager
def processes(
    ports: tuple[int, int, int] | None = None, env: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> Iterator[tuple[Urls, subprocess.Popen[bytes]]]:
    """The same, with the process that runs them: it ends when one of them does."""
    asr, sentiment, gateway = ports or tuple(free_ports(3))
    urls = Urls(*(f"http://127.0.0.1:{port}" for port in (asr, sentiment, gateway)))
    settings = {
        "VOXMOOD_ASR_PORT": str(asr),
        "VOXMOOD_SENTIMENT_PORT": str(sentiment),
        "VOXMOOD_GATEWAY_PORT": str(gateway),
        "VOXMOOD_ASR_URL": urls.asr,
        "VOXMOOD_SENTIMENT_URL": urls.sentiment,
        # The Procfile's `python` is the one that runs this.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "--env", ".env" if ports else os.devnull],
        cwd=ROOT,
        env={**os.environ, **settings, **(env or {})},
        stdout=log,
        stderr=log,
    )
    try:
        wait_ready(urls.gateway, honcho)
        yield urls, honcho
    finally:
        honcho.send_signal(signal.SIGTERM)
        try:
            honcho.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            honcho.kill()


def wait_ready(gateway: str, honcho: subprocess.Popen[bytes]) -> None:
    """Return once the gateway says that it and both services are ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if honcho.poll() is not None:
            raise RuntimeError("a service ended while starting: its last lines say why")
        try:
            if httpx.get(f"{gateway}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the services were not ready within {START_SECONDS} s")


def main() -> None:
    """Run until Ctrl-C, start again what dies once it was ready, and say how to try it."""
    from voxmood_asr.settings import Settings as Asr
    from voxmood_gateway.settings import Settings as Gateway
    from voxmood_sentiment.settings import Settings as Sentiment
    from voxmood_service import read_settings

    ports = (
        read_settings(Asr, ENV).asr_port,
        read_settings(Sentiment, ENV).sentiment_port,
        read_settings(Gateway, ENV).gateway_port,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            with processes(ports) as (urls, honcho):
                print(
                    f"\nReady: {urls.gateway}/ in a browser. Or:\n\n"
                    f"  curl -F audio=@demo/voices/en-negative-birthday.ogg {urls.gateway}/analyze\n"
                    f"  curl -d 'text=I am so glad you came' {urls.gateway}/analyze\n\n"
                    f"API documentation: {urls.gateway}/docs\nStop with Ctrl-C.\n",
                    flush=True,
                )
                honcho.wait()
            print("a service ended: starting all again", flush=True)
    except KeyboardInterrupt:
        print("stopped")
    except RuntimeError as error:
        sys.exit(f"not started: {error}")


if __name__ == "__main__":
    main()
