"""Recognition services as processes: start them on the loopback interface, ask how much they used, stop them.

Peak memory is Linux's VmHWM, from the start of the process on. Not done here: requests.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tools.stack import ROOT, free_ports

OURS: dict[str, dict[str, str]] = {"voxmood": {}}  # Voxmood's recognition by its settings, as environment variables
START_SECONDS = 180  # torch takes long from a cold disk
STOP_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """A service that runs: its address and its process."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Processor time used so far, user and system, that of child processes included."""
        own = self.process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in self.process.children(recursive=True):
            times = child.cpu_times()
            total += times.user + times.system
        return float(total)

    def peak_mb(self) -> float:
        """The most memory (resident set) that the process has had, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 / 1e6 if found else float("nan")


@contextmanager
def running(name: str, threads: int, python: Path, weights: Path, log: Path) -> Iterator[Server]:
    """Run Voxmood's recognition or a peer (of the environment of `python`) until the block ends; output to `log`.

    Raises RuntimeError if it ends or is not ready in time.
    """
    (port,) = free_ports(1)
    env = dict(os.environ)
    if name in OURS:
        command = [sys.executable, "-m", "voxmood_asr"]
        env |= {"VOXMOOD_HOST": "127.0.0.1", "VOXMOOD_ASR_PORT": str(port), "VOXMOOD_ASR_WORKERS": str(threads)}
        env |= {"VOXMOOD_ASR_THREADS": "1"}
        env |= OURS[name]
    else:
        command = [str(python), "-m", "bench.peers.serve", name, "--port", str(port), "--threads", str(threads)]
        command += ["--weights", str(weights)]
        env.pop("PYTHONPATH", None)  # ours: other packages, other versions
    with log.open("a") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_ready(url, process, log)
        yield Server(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended while starting: the end of {log} says why")
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{process.args!r} was not ready within {START_SECONDS} s: see {log}")
