"""Servers one by one, each in a process of its own on a port that it keeps: for who kills them and starts them again.

Not done here: all services together, see stack.py.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tools.stack import ROOT, START_SECONDS, free_ports


class Server:
    """Runs from its making to the end of a `with`; `before` runs in the process before the command."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        env: Mapping[str, str],
        log: Path,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.command, self.env, self.log, self.before = command, {**os.environ, **env}, log, before
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and do not wait until it is ready."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, preexec_fn=self.before
            )

    def until(self, path: str) -> None:
        """Return once a GET there is answered with 200. Raises AssertionError with the log if it never is."""
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, transport=httpx.HTTPTransport(retries=6)) as client:
            while client.get(path).status_code != httpx.codes.OK:
                if time.monotonic() > deadline:
                    raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Kill, start, and wait until it is ready."""
        self.kill()
        self.start()
        self.until("/readyz")


def service(
    name: str,
    log: Path,
    env: Mapping[str, str],
    *,
    core: int | None = None,
    before: Callable[[], None] | None = None,
) -> Server:
    """One of our services, on one core or all."""
    (port,) = free_ports(1)
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    command = [*pinned, sys.executable, "-m", f"voxmood_{name}"]
    return Server(command, port=port, env={f"VOXMOOD_{name.upper()}_PORT": str(port), **env}, log=log, before=before)


def balancer(one: str, two: str, log: Path) -> Server:
    """HAProxy with the project's configuration before two servers, given by their URLs."""
    (port,) = free_ports(1)
    env = {
        "VOXMOOD_BALANCER": f"127.0.0.1:{port}",
        "VOXMOOD_REPLICA_1": one.removeprefix("http://"),
        "VOXMOOD_REPLICA_2": two.removeprefix("http://"),
    }
    return Server(["haproxy", "-f", "deploy/haproxy/voxmood.cfg"], port=port, env=env, log=log)
