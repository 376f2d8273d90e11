"""Who may ask the gateway, and how often, on a real server and with a real Redis. No service stands behind it: what
passes the gate is refused as an empty text."""

import subprocess
import sys

import httpx
import pytest

from tests.conftest import Serve
from tools.stack import free_ports
from voxmood_gateway.app import create_app
from voxmood_gateway.settings import Settings

PASSED = 422


def new_key(name: str) -> tuple[str, str]:
    """A key, and its entry in the settings, as the command gives them."""
    command = [sys.executable, "-m", "voxmood_gateway.keys", name]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return lines[1].strip(), lines[3].strip()


@pytest.fixture(scope="module")
def keys() -> dict[str, tuple[str, str]]:
    return {name: new_key(name) for name in ("anna", "boris")}


def settings(monkeypatch: pytest.MonkeyPatch, **env: str) -> Settings:
    for name, value in env.items():
        monkeypatch.setenv(f"VOXMOOD_{name.upper()}", value)
    return Settings()


def ask(url: str, key: str | None = None) -> httpx.Response:
    headers = {b"Authorization": f"Bearer {key}".encode()} if key else {}
    return httpx.post(f"{url}/analyze", json={"text": " "}, headers=headers)


def count(url: str, name: str, outcome: str) -> float:
    start = f'voxmood_key_requests_total{{key="{name}",outcome="{outcome}"}}'
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(start))


def test_only_known_keys_pass(serve: Serve, keys: dict[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    (anna, one), (boris, two) = keys.values()
    app, _ = create_app(settings(monkeypatch, api_keys=f"{one}, {two}"))
    with serve(app) as url:
        for wrong in (None, "wrong", "ключ", one.split(":")[1], anna[:-1]):
            refused = ask(url, wrong)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        assert [ask(url, key).status_code for key in (anna, boris, boris)] == [PASSED] * 3
        assert [count(url, name, "allowed") for name in ("anna", "boris")] == [1, 2]
        assert count(url, "unknown", "refused") == 5
        assert anna not in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{url}/livez").status_code == 200, "health needs no key"


def test_each_key_has_a_rate_of_its_own(
    serve: Serve, keys: dict[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (anna, one), (boris, two) = keys.values()
    app, _ = create_app(settings(monkeypatch, api_keys=f"{one},{two}", rate_limit="2/minute"))
    with serve(app) as url:
        answers = [ask(url, anna) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [PASSED, PASSED, 429]
        assert answers[2].json()["code"] == "over_rate"
        assert 0 < int(answers[2].headers["retry-after"]) <= 60
        assert ask(url, boris).status_code == PASSED
        assert ask(url).status_code == 401


def test_without_keys_all_share_one_rate(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = create_app(settings(monkeypatch, rate_limit="1/hour"))
    with serve(app) as url:
        assert [ask(url).status_code for _ in range(2)] == [PASSED, 429]


def test_gateways_count_together_in_redis(serve: Serve, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same = settings(monkeypatch, rate_limit="2/hour", redis_url=redis_url)
    with serve(create_app(same)[0]) as one, serve(create_app(same)[0]) as two:
        assert [ask(url).status_code for url in (one, two, one, two)] == [PASSED, PASSED, 429, 429]


def test_without_its_redis_the_gateway_goes_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    absent = f"redis://:password@127.0.0.1:{free_ports(1)[0]}"
    with serve(create_app(settings(monkeypatch, rate_limit="1/hour", redis_url=absent))[0]) as url:
        assert [ask(url).status_code for _ in range(2)] == [PASSED, PASSED]
    assert "Redis cannot be reached" in caplog.text
    assert "password" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_keys", "anna:plain-secret"),
        ("api_keys", f"plain-secret:{'0' * 64}:more"),
        ("api_keys", f"anna:{'0' * 64},anna:{'0' * 64}"),
        ("rate_limit", "plain-secret"),
        ("redis_url", "plain-secret"),
    ],
)
def test_wrong_settings_are_refused_and_not_quoted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"VOXMOOD_{name.upper()}", value)
    command = [sys.executable, "-m", "voxmood_gateway"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"VOXMOOD_{name.upper()}: " in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
