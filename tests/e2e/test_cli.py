"""The `voxmood` command as a user runs it: a process, its output, its exit code."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import VOICES
from tools.stack import Urls, free_ports

COMMAND = str(Path(sys.executable).parent / "voxmood")


def voxmood(
    *arguments: str, urls: Urls | None = None, stdin: bytes = b"", **env: str
) -> subprocess.CompletedProcess[str]:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    services = {
        "VOXMOOD_ASR_URL": urls.asr if urls else nowhere,
        "VOXMOOD_SENTIMENT_URL": urls.sentiment if urls else nowhere,
    }
    done = subprocess.run(
        [COMMAND, *arguments], input=stdin, capture_output=True, env={**os.environ, **services, **env}, timeout=120
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_file_for_people(stack: Urls) -> None:
    done = voxmood("analyze", str(VOICES / "en-negative-birthday.ogg"), urls=stack)
    assert done.returncode == 0, done.stderr
    assert "negative" in done.stdout
    assert "You forgot my birthday again." in done.stdout
    assert "0:0" in done.stdout


def test_stdin_for_programs(stack: Urls, voices: dict[str, bytes]) -> None:
    done = voxmood("analyze", "-", "--json", urls=stack, stdin=voices["ru-positive-concert"])
    assert done.returncode == 0, done.stderr
    analysis = json.loads(done.stdout)
    assert (analysis["verdict"], analysis["language"]) == ("positive", "ru")


def test_text(stack: Urls) -> None:
    done = voxmood("analyze", "--text", "I am so glad you came, but the cake was dry", "--explain", urls=stack)
    assert done.returncode == 0, done.stderr
    assert "positive" in done.stdout
    assert "glad +0." in done.stdout
    assert "\x1b" not in done.stdout


def test_a_folder_goes_on_after_a_bad_file(stack: Urls, tmp_path: Path, voices: dict[str, bytes]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.ogg").write_bytes(voices["en-positive-job"])
    (tmp_path / "a.ogg").write_bytes(b"not audio")
    (tmp_path / "notes.txt").write_text("not to be sent")
    done = voxmood("analyze", str(tmp_path), "--json", urls=stack)
    assert done.returncode == 1
    bad, good = map(json.loads, done.stdout.splitlines())
    assert bad["error"]["code"] == "not_audio"
    assert Path(good["file"]).name == "b.ogg"
    assert good["verdict"] == "positive"
    assert "a.ogg" in done.stderr


def test_a_progress_bar_on_the_terminal_leaves_the_output_to_its_file(stack: Urls, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    voices = [str(VOICES / name) for name in ("en-positive-job.ogg", "ru-positive-concert.ogg")]
    services = {"VOXMOOD_ASR_URL": stack.asr, "VOXMOOD_SENTIMENT_URL": stack.sentiment, "TERM": "xterm"}
    with (tmp_path / "moods.jsonl").open("w") as moods:
        command = [COMMAND, "analyze", "--json", *voices]
        process = subprocess.Popen(command, stdout=moods, stderr=slave, env={**os.environ, **services})
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while chunk := os.read(master, 100_000):
            shown += chunk
    os.close(master)
    assert process.wait(60) == 0
    lines = (tmp_path / "moods.jsonl").read_text().splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["positive", "positive"]
    assert "100%" in shown.decode()
    assert "verdict" not in shown.decode()


def test_through_a_gateway(stack: Urls) -> None:
    done = voxmood("analyze", "--json", "--text", "I love it", VOXMOOD_GATEWAY_URL=stack.gateway)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "positive"


def test_services_that_are_down(voices: dict[str, bytes]) -> None:
    done = voxmood("analyze", "-", stdin=voices["en-positive-job"])
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["nothing-here.ogg"], ["a", "--text", "b"], ["--colour"]])
def test_misuse(arguments: list[str]) -> None:
    done = voxmood("analyze", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
