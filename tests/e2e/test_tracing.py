"""Traces of the real services, as the real exporter sends them."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.collector import collecting
from tests.conftest import bot_settings
from tests.mtproto import Process, World
from tools.stack import free_ports, running

PRIVATE = "zanzibar"
CALLER = "0123456789abcdef0123456789abcdef"
# (service, span) -> (service, span) that it is a part of
TREE = {
    ("voxmood-gateway", "POST /v1/audio/transcriptions"): ("voxmood-gateway", "POST /analyze"),
    ("voxmood-asr", "POST /v1/audio/transcriptions"): ("voxmood-gateway", "POST /v1/audio/transcriptions"),
    ("voxmood-asr", "probe"): ("voxmood-asr", "POST /v1/audio/transcriptions"),
    ("voxmood-asr", "queue"): ("voxmood-asr", "POST /v1/audio/transcriptions"),
    ("voxmood-asr", "decode"): ("voxmood-asr", "POST /v1/audio/transcriptions"),
    ("voxmood-asr", "detect"): ("voxmood-asr", "POST /v1/audio/transcriptions"),
    ("voxmood-asr", "recognise"): ("voxmood-asr", "POST /v1/audio/transcriptions"),
    ("voxmood-gateway", "POST /classify"): ("voxmood-gateway", "POST /analyze"),
    ("voxmood-sentiment", "POST /classify"): ("voxmood-gateway", "POST /classify"),
    ("voxmood-sentiment", "queue"): ("voxmood-sentiment", "POST /classify"),
    ("voxmood-sentiment", "classify"): ("voxmood-sentiment", "POST /classify"),
}


def test_a_request_is_one_trace_through_all_services_and_holds_nothing_private(
    tmp_path: Path, voices: dict[str, bytes]
) -> None:
    with collecting() as collector:
        env = {"VOXMOOD_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with (tmp_path / "log").open("w") as log, running(env=env, log=log) as urls:
            headers = {
                "traceparent": f"00-{CALLER}-0123456789abcdef-01",
                "tracestate": f"vendor={PRIVATE}",
                "baggage": f"name={PRIVATE}",
                "user-agent": PRIVATE,
                "x-forwarded-for": "203.0.113.7",
            }
            voice = {"audio": (f"{PRIVATE}.ogg", voices["en-negative-birthday"])}
            asked = {"params": {"for": PRIVATE}, "headers": headers, "timeout": 60}
            assert httpx.post(f"{urls.gateway}/analyze", files=voice, **asked).status_code == 200  # type: ignore[arg-type]
            collector.until(*{name for _, name in TREE})
            # Without a traceparent from outside, and with what must not be named:
            assert httpx.post(f"{urls.gateway}/{PRIVATE}").status_code == 404
            assert httpx.request(PRIVATE.upper(), f"{urls.gateway}/analyze").status_code == 405
            httpx.post(f"{urls.gateway}/analyze", files={"audio": (f"{PRIVATE}.ogg", PRIVATE.encode())})
            httpx.post(f"{urls.gateway}/analyze", json={"text": f"I love {PRIVATE}."})
        spans = collector.spans()  # the last ones are sent when the services end
        ours = [(service, span) for service, span in spans if span.trace_id.hex() == CALLER]
        by_id = {span.span_id: (service, span.name) for service, span in ours}
        parents = {(service, span.name): by_id.get(span.parent_span_id, ("caller", "")) for service, span in ours}
        assert parents == {**TREE, ("voxmood-gateway", "POST /analyze"): ("caller", "")}
        for _, span in spans:
            assert {it.key for it in span.attributes} <= {
                "http.request.method",
                "http.response.status_code",
                "http.route",
                "error.type",
            }
        assert not any("readyz" in span.name for _, span in spans), "health checks are no requests"
        sent = b"".join(collector.bodies).lower()
        for private in (PRIVATE, "birthday", "203.0.113.7", "127.0.0.1"):
            assert private.encode() not in sent
        log_lines = (tmp_path / "log").read_text()
        for service in ("asr", "sentiment", "gateway"):
            assert any(service in line and f'"trace_id": "{CALLER}"' in line for line in log_lines.splitlines()), (
                "the log leads to the trace"
            )


async def test_a_message_of_the_bot_is_one_trace(tmp_path: Path, voices: dict[str, bytes]) -> None:
    env = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    with collecting() as collector, (tmp_path / "log").open("w") as log:
        env["VOXMOOD_OTLP_ENDPOINT"] = collector.url
        with running(env=env, log=log) as urls:
            async with World() as telegram, asyncio.timeout(90):
                given = env | bot_settings(telegram, urls, tmp_path) | {"VOXMOOD_TELEGRAM_PORT": str(*free_ports(1))}
                async with Process(telegram, "-m", "voxmood_telegram", env=dict(given)) as process:
                    await process.line("ready")
                    await telegram.user(PRIVATE).voice(telegram.bot, voices["en-negative-birthday"], duration=6)
                    wanted = ("message", "recognise", "classify", "POST /classify")
                    await asyncio.to_thread(collector.until, *wanted, within=60)
        spans = collector.spans()
        (root,) = [span for service, span in spans if (service, span.name) == ("voxmood-telegram", "message")]
        assert not root.parent_span_id
        together = {service for service, span in spans if span.trace_id == root.trace_id}
        assert together == {"voxmood-telegram", "voxmood-asr", "voxmood-sentiment"}
        sent = b"".join(collector.bodies).lower()
        for private in (PRIVATE, "birthday", "127.0.0.1", telegram.bot.token):
            assert private.lower().encode() not in sent


def test_a_collector_that_is_away_costs_nothing(tmp_path: Path, voices: dict[str, bytes]) -> None:
    (nobody,) = free_ports(1)
    env = {"VOXMOOD_OTLP_ENDPOINT": f"http://127.0.0.1:{nobody}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with (tmp_path / "log").open("w") as log:
        with running(env=env, log=log) as urls:
            for _ in range(10):
                began = time.monotonic()
                assert httpx.post(f"{urls.gateway}/analyze", json={"text": "Good."}).status_code == 200
                assert time.monotonic() - began < 1
            ending = time.monotonic()
        assert time.monotonic() - ending < 8, "what could not be sent keeps nobody from ending"
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_without_a_collector_the_sdk_is_not_even_loaded() -> None:
    apps = "voxmood_asr.app, voxmood_sentiment.app, voxmood_gateway.app, voxmood_telegram.app, voxmood_service.server"
    code = f"import sys, {apps}; print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"
