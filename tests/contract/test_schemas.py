"""What each service says of itself at /openapi.json holds: schemathesis sends what fits and what does not.

All of its checks are on. What no schema can say is refused with 422: a text that nobody can see, a language that the
model does not speak.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stack import Urls, running

KEY = "key-of-schemathesis"
ACCEPTED = {
    "gateway": [200, 202, 204, 401, 404, 422, 429],
    "sentiment": [200, 422],
    "asr": [200, 422],
}  # what valid data may be answered with


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """Services that want a key and take jobs."""
    folder = tmp_path_factory.mktemp("keyed")
    env = {
        "VOXMOOD_API_KEYS": f"tester:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "VOXMOOD_JOBS_DIR": str(folder / "jobs"),
    }
    with (folder / "log").open("w") as log, running(env=env, log=log) as found:
        yield found


@pytest.mark.parametrize("service", ACCEPTED)
def test_the_schema_holds(service: str, keyed: Urls, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(f"checks.positive_data_acceptance.expected-statuses = {ACCEPTED[service]}\n")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", "--no-color"]
    wanted = ["--checks", "all", "--max-examples", "20", "--seed", "1", "--header", f"Authorization: Bearer {KEY}"]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.contract.schemathesis_hooks", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, *wanted, f"{getattr(keyed, service)}/openapi.json"],
        cwd=tmp_path,  # it keeps what it found beside it
        env={**os.environ, **hooks},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
