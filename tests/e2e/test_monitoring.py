"""What is measured: the numbers of the real services and the bot after real use, and all that is told of them.

The documentation, the alerts, the dashboard and the autoscaler may name no metric and no label that no process exports.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import bot_settings
from tests.mtproto import Process, World
from tools import servers
from tools.stack import ROOT, Urls, free_ports

RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
ALERTS: list[dict[str, Any]] = [rule for group in RULES for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/voxmood.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
(ADAPTER,) = yaml.safe_load((ROOT / "deploy/kubernetes/monitoring/adapter.yml").read_text())["rules"]["custom"]
ADDED = {"job", "instance", "namespace", "pod"}  # by Prometheus
PRIVATE = "zanzibar"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(url: str) -> Samples:
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=30).text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0)


def use(stack: Urls, voices: dict[str, bytes]) -> None:
    """A request of each kind: sound, silence, text, and what is refused."""
    silence = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\xff"
    with httpx.Client(base_url=stack.gateway, timeout=60) as client:
        for audio, status in ((voices["en-negative-birthday"], 200), (silence + bytes(64_000), 200), (b"noise", 415)):
            sent = client.post("/analyze", files={"audio": (f"{PRIVATE}.ogg", audio)}, params={"for": PRIVATE})
            assert sent.status_code == status
        assert client.post("/analyze", json={"text": f"I love {PRIVATE}."}).status_code == 200
        assert client.post("/analyze", content=bytes(21_000_000)).status_code == 413
        assert client.post(f"/{PRIVATE}").status_code == 404


def until_idle(url: str) -> Samples:
    """The numbers once nothing is left of what other tests hung up on."""
    deadline = time.monotonic() + 60
    while value(samples := scrape(url), "voxmood_queue_length") or value(samples, "voxmood_requests_in_progress"):
        assert time.monotonic() < deadline, "something is still at work"
    return samples


def test_the_numbers_move_with_use(stack: Urls, voices: dict[str, bytes]) -> None:
    urls = {"asr": stack.asr, "sentiment": stack.sentiment, "gateway": stack.gateway}
    before = {service: until_idle(url) for service, url in urls.items()}
    use(stack, voices)
    after = {service: scrape(url) for service, url in urls.items()}

    def rise(service: str, name: str, **labels: str) -> float:
        return value(after[service], name, **labels) - value(before[service], name, **labels)

    route = {"handler": "/analyze", "method": "POST"}
    assert rise("gateway", "http_requests_total", **route, status="2xx") == 3
    assert rise("gateway", "http_requests_total", **route, status="4xx") == 2, "also what is refused by its length"
    assert rise("gateway", "http_requests_total", handler="none", method="POST", status="4xx") == 1
    assert rise("gateway", "http_request_duration_seconds_count", **route) == 5
    assert rise("gateway", "http_request_duration_seconds_bucket", **route, le="300.0") == 5
    for code in ("not_audio", "too_large", "not_found"):
        assert rise("gateway", "voxmood_problems_total", code=code) == 1
    assert rise("asr", "voxmood_problems_total", code="not_audio") == 1
    assert rise("gateway", "voxmood_stage_seconds_count", stage="asr") == 2
    assert rise("gateway", "voxmood_stage_seconds_count", stage="sentiment") == 2
    assert rise("asr", "voxmood_stage_seconds_count", stage="probe") == 3
    assert rise("asr", "voxmood_stage_seconds_count", stage="decode") == 2
    assert rise("asr", "voxmood_stage_seconds_count", stage="detect") >= 2
    assert rise("asr", "voxmood_stage_seconds_count", stage="recognise") == 1, "silence does not reach the model"
    stages = [rise("asr", "voxmood_stage_seconds_sum", stage=stage) for stage in ("decode", "detect", "recognise")]
    assert sum(stages) == pytest.approx(rise("asr", "voxmood_work_seconds_sum"), rel=0.1, abs=0.05)
    assert rise("asr", "voxmood_audio_seconds_total") == pytest.approx(8.2, abs=0.2)
    assert rise("asr", "voxmood_no_speech_total") == 1
    assert rise("asr", "voxmood_wait_seconds_count") == 2
    assert rise("sentiment", "voxmood_work_seconds_count") == 2
    assert rise("sentiment", "voxmood_texts_total") == 4 + 2
    for service, model in {"asr": "whisper-base", "sentiment": "voxmood-1", "gateway": ""}.items():
        assert value(after[service], "voxmood_build_info", version="0.1.0", model=model) == 1
        assert value(after[service], "voxmood_ready") == 1
        assert value(after[service], "voxmood_requests_in_progress") == 0
        assert rise(service, "process_cpu_seconds_total") > 0
    assert value(after["asr"], "voxmood_queue_limit") > value(after["asr"], "voxmood_queue_length") == 0


@pytest.fixture(scope="module")
def exported(stack: Urls, voices: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every metric of the services and the bot with the names of its labels, after use."""
    use(stack, voices)
    folder = tmp_path_factory.mktemp("telegram")
    texts = [httpx.get(f"{url}/metrics").text for url in (stack.asr, stack.sentiment, stack.gateway)]
    texts.append(asyncio.run(metrics_of_a_bot(stack, voices["en-positive-job"], folder)))
    texts.append(metrics_of_jobs(stack, tmp_path_factory.mktemp("jobs")))
    assert PRIVATE not in "".join(texts).lower()
    labels: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels[sample.name] |= sample.labels.keys()
    return dict(labels)


async def metrics_of_a_bot(stack: Urls, voice: bytes, folder: Path) -> str:
    """Of one that has answered a message."""
    (port,) = free_ports(1)
    async with World() as telegram, httpx.AsyncClient() as client, asyncio.timeout(60):
        env = bot_settings(telegram, stack, folder) | {"VOXMOOD_TELEGRAM_PORT": str(port)}
        async with Process(telegram, "-m", "voxmood_telegram", env=dict(env)) as process:
            await process.line("ready")
            await telegram.user(PRIVATE, language="en").voice(telegram.bot, voice, duration=6)
            text = ""
            while 'voxmood_telegram_messages_total{outcome="positive"} 1.0' not in text:
                text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    return text


def metrics_of_jobs(stack: Urls, folder: Path) -> str:
    """Of a gateway that has done a job and told its webhook."""
    env = {
        "VOXMOOD_ASR_URL": stack.asr,
        "VOXMOOD_JOBS_DIR": str(folder),
        "VOXMOOD_WEBHOOK_SECRET": PRIVATE * 4,
        "VOXMOOD_WEBHOOK_PRIVATE": "true",
    }
    with servers.service("gateway", folder / "log", env) as gateway, httpx.Client(base_url=gateway.url) as client:
        gateway.until("/livez")
        made = client.post("/jobs", files={"audio": b"noise"}, data={"webhook": f"{gateway.url}/livez?for={PRIVATE}"})
        assert made.status_code == 202
        text = ""
        while 'voxmood_webhooks_total{outcome="again"} 1.0' not in text:  # nobody may POST there
            text = client.get("/metrics").text
    return text


def test_the_documentation_lists_what_is_exported_and_nothing_else(exported: dict[str, set[str]]) -> None:
    table = (ROOT / "docs/operations.md").read_text().partition("## Metrics")[2].partition("\n## ")[0]
    listed = {name for row in table.splitlines() if row.startswith("|") for name in re.findall(r"`(voxmood_\w+)`", row)}
    assert listed == {re.sub("_(bucket|count|sum)$", "", name) for name in exported if name.startswith("voxmood_")}


def expressions() -> Iterator[tuple[str, str]]:
    """Each expression of an alert or a panel, and where it stands."""
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")
    series = ADAPTER["seriesQuery"]
    yield "what series the metrics adapter looks for", series
    asked = {
        "<<.GroupBy>>": "pod",
        "<<.Series>>": series.partition("{")[0],
        "<<.LabelMatchers>>": 'namespace="voxmood"',
    }
    yield "what it asks", re.sub("<<.*?>>", lambda found: asked[found[0]], ADAPTER["metricsQuery"])


def test_alerts_and_dashboard_name_only_metrics_and_labels_that_there_are(exported: dict[str, set[str]]) -> None:
    known = exported | {"up": set()}
    for place, text in expressions():
        names: set[str] = set()

        def note(part: promql_parser.Expr, names: set[str] = names) -> bool:
            if isinstance(part, promql_parser.VectorSelector):
                names.add(part.name or "")
            return True

        promql_parser.walk(promql_parser.parse(text), note)
        assert names, place
        assert names <= known.keys(), place
        # All names of labels, in matchers and groupings: those of each metric are enough for its own expression.
        used = set(re.findall(r"(\w+)=~?\"", text))
        for group in re.findall(r"by \(([^)]*)\)", text):
            used |= {*re.split(", *", group)}
        assert used <= ADDED.union(*(known[name] for name in names)), place


def test_asr_is_scaled_by_what_the_metrics_adapter_serves() -> None:
    resources = yaml.safe_load_all((ROOT / "deploy/kubernetes/base/asr.yaml").read_text())
    (scaler,) = (resource for resource in resources if resource["kind"] == "HorizontalPodAutoscaler")
    (metric,) = (metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"] if metric["type"] == "Pods")
    assert metric == ADAPTER["seriesQuery"].partition("{")[0]
    assert ADAPTER["resources"]["overrides"].keys() == {"namespace", "pod"}, "else it is of no pod"


def test_templates_name_only_labels_that_the_expression_leaves(exported: dict[str, set[str]]) -> None:
    for alert in ALERTS:
        told = " ".join(alert["annotations"].values())
        grouped = [set(re.split(", *", group)) for group in re.findall(r"by \(([^)]*)\)", alert["expr"])]
        if grouped or "sum(" in alert["expr"]:
            assert {*re.findall(r"\$labels\.(\w+)", told)} <= set().union(*grouped), alert["alert"]
    for panel in PANELS:
        for target in panel["targets"]:
            group = re.search(r"by \(([^)]*)\)", target["expr"])
            left = {*re.split(", *", group[1])} - {"le"} if group else ADDED if "sum(" not in target["expr"] else set()
            assert {*re.findall(r"{{(\w+)}}", target["legendFormat"])} <= left, panel["title"]


def test_each_alert_says_what_it_is_and_what_to_do() -> None:
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert alert["annotations"].keys() == {"summary", "description"}
        assert alert["labels"]["severity"] in ("warning", "critical")
        for setting in re.findall(r"VOXMOOD_\w+", alert["annotations"]["description"]):
            assert f"#{setting}=" in (ROOT / ".env.example").read_text()


def test_the_dashboard_can_be_drawn() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["title"], panel
        assert panel["description"], panel
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, "panels lie on each other"
        assert at["x"] + at["w"] <= 24
        taken |= cells
