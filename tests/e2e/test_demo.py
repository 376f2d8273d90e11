"""`make demo` and `make run` do what the README says."""

import os
import signal
import subprocess
import sys

import pytest

from tests import hostile
from tests.conftest import VOICES
from tools.stack import ROOT, free_ports


def demo(**env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo.run"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env={**os.environ, **env})


def test_the_demo_prints_a_mood_for_every_voice_and_exits_0() -> None:
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
    for voice in VOICES.glob("*.ogg"):
        assert voice.stem in done.stdout
    for mood in ("negative", "neutral", "positive"):
        assert f" {mood} " in done.stdout


def test_the_demo_fails_when_a_service_cannot_start() -> None:
    done = demo(VOXMOOD_SENTIMENT_MODEL="/nowhere")
    assert done.returncode == 1
    assert "/nowhere" in done.stdout, "the reason is shown"


@pytest.mark.fault("a service of `make run` killed", seen="503 for the seconds in which all are started again")
def test_run_prints_a_curl_line_that_works_outlives_a_kill_and_stops_cleanly() -> None:
    asr, sentiment, gateway = free_ports(3)
    ports = {"VOXMOOD_ASR_PORT": asr, "VOXMOOD_SENTIMENT_PORT": sentiment, "VOXMOOD_GATEWAY_PORT": gateway}
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.stack"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **{name: str(port) for name, port in ports.items()}},
    )
    try:
        assert process.stdout
        for victim in (asr, None):
            curl = next(line for line in process.stdout if line.strip().startswith("curl -F"))
            done = subprocess.run(curl.split(), cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert '"verdict":"negative"' in done.stdout
            if victim:
                next(hostile.processes(victim)).kill()
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
