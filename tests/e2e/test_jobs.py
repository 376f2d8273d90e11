"""Jobs on real gateways before the real services: what callers get, and that kills lose nothing and double nothing."""

import base64
import hashlib
import resource
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from fastapi import FastAPI, Request, Response
from redis import Redis
from standardwebhooks import Webhook

from tests.conftest import Serve
from tools.servers import Server, service
from tools.stack import Urls, free_ports
from voxmood import GatewayClient, InvalidInput

BIRTHDAY, HOLIDAY = "en-negative-birthday", "en-negative-holiday"
SECRET = "0123456789abcdef" * 2
KEYS = {"anna": "key-of-anna", "boris": "key-of-boris"}


class Receiver:
    """Somebody's server that is told of jobs; it answers the statuses in `answers` first, then 204."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.app = FastAPI()
        self.app.post("/hook")(self.hear)

    async def hear(self, request: Request) -> Response:
        self.told.append((dict(request.headers), await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 204)


@dataclass
class Gateway:
    """A gateway in a process of its own, as its callers see it."""

    server: Server

    def ask(self, method: str, path: str, who: str = "anna", **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEYS[who]}", **request.pop("headers", {})}
        return httpx.request(method, self.server.url + path, headers=headers, timeout=30, **request)

    def post(self, *audio: bytes, who: str = "anna", headers: dict[str, str] | None = None, **form: str) -> Any:
        files = [("audio", one) for one in audio]
        return self.ask("POST", "/jobs", who, files=files, data=form, headers=headers or {})

    def until(self, path: str, reached: Callable[[Any], Any], seconds: float = 60) -> Any:
        """The job, once it is so."""
        deadline = time.monotonic() + seconds
        while not reached(job := self.ask("GET", path).json()):
            assert time.monotonic() < deadline, job
        return job


def done(job: Any) -> bool:
    return bool(job["state"] == "done")


def was_told(job: Any) -> bool:
    return job["webhook"] in ("delivered", "failed")


@pytest.fixture
def gateway(stack: Urls, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    keys = ",".join(f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in KEYS.items())
    with ExitStack() as running:

        def start(before: Callable[[], None] | None = None, **env: str) -> Gateway:
            settings = {
                "VOXMOOD_ASR_URL": stack.asr,
                "VOXMOOD_SENTIMENT_URL": stack.sentiment,
                "VOXMOOD_API_KEYS": keys,
                "VOXMOOD_WEBHOOK_SECRET": SECRET,
                "VOXMOOD_JOBS_PATIENCE": "2",
                **({} if "VOXMOOD_JOBS_REDIS_URL" in env else {"VOXMOOD_JOBS_DIR": str(tmp_path / "jobs")}),
            }
            server = running.enter_context(
                service("gateway", tmp_path / "gateway.log", {**settings, **env}, before=before)
            )
            server.until("/readyz")
            return Gateway(server)

        yield start


def test_a_job_of_several_files(gateway: Callable[..., Gateway], voices: dict[str, bytes], tmp_path: Path) -> None:
    front = gateway()
    made = front.post(voices[BIRTHDAY], b"no sound at all", voices[BIRTHDAY], language="en", explain="true")
    assert (made.status_code, made.json()["state"]) == (202, "queued")
    place = made.headers["location"]
    begun = front.until(place, lambda job: job["files"][0]["duration"])
    assert [file["state"] for file in begun["files"]] == ["running", "queued", "queued"]
    for method in ("GET", "DELETE"):
        other = front.ask(method, place, "boris")
        assert (other.status_code, other.json()["code"]) == (404, "not_found"), "another key knows nothing of it"
    job = front.until(place, done)
    first, second, third = job["files"]
    assert [file["state"] for file in job["files"]] == ["done", "failed", "done"]
    assert (first["seconds"], first["duration"]) == (first["analysis"]["duration"],) * 2
    assert (second["problem"]["status"], second["problem"]["code"]) == (415, "not_audio")
    at_once = front.ask("POST", "/analyze", files={"audio": voices[BIRTHDAY]}, data={"language": "en"}).json()
    assert third["analysis"]["transcript"] == at_once["transcript"]
    assert third["analysis"]["sentences"][0]["words"], "explained"
    assert (job["webhook"], job["expires"] > job["ended"]) == (None, True)
    assert front.ask("DELETE", place).status_code == 204
    assert front.ask("GET", place).status_code == 404
    log = (tmp_path / "gateway.log").read_text()
    assert place.rpartition("/")[2] not in log, "who reads logs cannot ask for a job"
    assert "birthday" not in log


@pytest.mark.fault(
    "the gateway killed while it works on a job", seen="nothing; what was not analysed yet is, once it is back"
)
def test_a_kill_loses_nothing_and_does_nothing_twice(
    gateway: Callable[..., Gateway], voices: dict[str, bytes], serve: Serve
) -> None:
    receiver = Receiver()
    with serve(receiver.app) as url:
        front = gateway(VOXMOOD_WEBHOOK_PRIVATE="true")
        sent: dict[str, Any] = {"webhook": f"{url}/hook", "headers": {"Idempotency-Key": "the-same"}}
        made = front.post(voices[BIRTHDAY], voices[BIRTHDAY], **sent)
        place = made.headers["location"]
        before = front.until(place, lambda job: job["files"][1]["duration"])
        front.server.restart()
        after = front.until(place, was_told)
        assert [file["state"] for file in after["files"]] == ["done", "done"]
        assert after["files"][0] == before["files"][0], "its times too: it was not recognised again"
        assert front.post(voices[BIRTHDAY], voices[BIRTHDAY], **sent).headers["location"] == place
        front.server.restart()
        assert front.until(place, was_told) == after
    (told_once,) = receiver.told
    assert told_once[0]["webhook-id"].startswith(place.rpartition("/")[2])


def test_a_job_that_is_deleted_ends(stack: Urls, gateway: Callable[..., Gateway], voices: dict[str, bytes]) -> None:
    front = gateway()
    place = front.post(voices[HOLIDAY], voices[HOLIDAY]).headers["location"]
    front.until(place, lambda job: job["files"][0]["duration"])
    assert front.ask("DELETE", place).status_code == 204
    while "voxmood_queue_length 0.0" not in httpx.get(f"{stack.asr}/metrics").text:
        pass
    assert front.ask("GET", place).status_code == 404
    metrics = httpx.get(f"{front.server.url}/metrics").text
    assert 'voxmood_jobs_total{outcome="deleted"} 1.0' in metrics
    assert 'voxmood_jobs_total{outcome="done"}' not in metrics


@pytest.mark.fault(
    "one of two gateways that share jobs killed while it works on one", seen="nothing; the other one finishes its jobs"
)
def test_gateways_that_share_jobs_finish_those_of_a_killed_one(
    gateway: Callable[..., Gateway], voices: dict[str, bytes], serve: Serve, redis_url: str
) -> None:
    receiver = Receiver()
    with serve(receiver.app) as url:
        shared = {"VOXMOOD_JOBS_REDIS_URL": redis_url, "VOXMOOD_WEBHOOK_PRIVATE": "true"}
        one, two = gateway(**shared), gateway(**shared)
        sent = [[BIRTHDAY] * 3, [BIRTHDAY] * 3, [BIRTHDAY]]
        jobs = [
            one.post(*[voices[name] for name in names], webhook=f"{url}/hook").headers["location"] for names in sent
        ]
        two.until(jobs[0], lambda job: job["files"][0]["duration"])
        two.until(jobs[1], lambda job: job["files"][0]["duration"])  # each gateway has one
        one.server.kill()
        for place in jobs:
            job = two.until(place, was_told, seconds=120)
            assert {file["state"] for file in job["files"]} == {"done"}
    names = Counter(headers["webhook-id"] for headers, _ in receiver.told)
    assert {name.removesuffix(".done") for name in names} == {place.rpartition("/")[2] for place in jobs}
    assert set(names.values()) == {1}
    assert list(Redis.from_url(redis_url).scan_iter("*audio*")) == []


def test_webhooks_are_signed_and_tried_again(
    gateway: Callable[..., Gateway], voices: dict[str, bytes], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver()
    receiver.answers = [500]
    with serve(receiver.app) as url:
        front = gateway(VOXMOOD_WEBHOOK_PRIVATE="true")
        place = front.post(b"no sound", webhook=f"{url}/hook").headers["location"]
        assert front.until(place, was_told)["webhook"] == "delivered"
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1
    monkeypatch.setenv("VOXMOOD_WEBHOOK_SECRET", SECRET)
    command = [sys.executable, "-m", "voxmood_gateway.jobs.webhook", "anna"]
    secret = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    for headers, body in receiver.told:
        message = Webhook(secret).verify(body, headers)
        assert (message["type"], message["data"]["id"]) == ("job.done", place.rpartition("/")[2])
    assert base64.b64encode(SECRET.encode()).decode() not in secret
    assert len(receiver.told) == 2


@contextmanager
def https(certificate: trustme.LeafCert, told: list[str]) -> Iterator[str]:
    """A server with this certificate; `told` gets the names of the webhooks that reach it."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_webhooks_are_told_who_proves_to_be_the_host(gateway: Callable[..., Gateway], tmp_path: Path) -> None:
    authority, told = trustme.CA(), list[str]()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with https(authority.issue_cert("localhost"), told) as right, https(authority.issue_cert("else"), told) as wrong:
        front = gateway(VOXMOOD_WEBHOOK_PRIVATE="true", SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        front.post(b"no sound", webhook=wrong)
        while 'voxmood_webhooks_total{outcome="again"}' not in httpx.get(f"{front.server.url}/metrics").text:
            pass
        assert told == []
        place = front.post(b"no sound", webhook=right).headers["location"]
        assert front.until(place, was_told)["webhook"] == "delivered"
        assert told == [f"{place.rpartition('/')[2]}.done"]


def test_webhooks_reach_no_private_address(gateway: Callable[..., Gateway], serve: Serve) -> None:
    receiver = Receiver()
    with serve(receiver.app) as url:
        front = gateway()
        port = httpx.URL(url).port
        for wrong in (
            f"{url}/hook",
            f"https://127.0.0.1:{port}/",
            "https://[::1]/",
            "https://a:b@example.org/",
            "/hook",
        ):
            refused = front.post(b"no sound", webhook=wrong)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        place = front.post(b"no sound", webhook=f"https://localhost:{port}/hook").headers["location"]
        assert front.until(place, was_told)["webhook"] == "failed", "a name is looked up where it is connected to"
    assert receiver.told == []


async def test_the_python_client(gateway: Callable[..., Gateway], voices: dict[str, bytes]) -> None:
    front = gateway()
    async with GatewayClient(front.server.url, api_key=KEYS["anna"]) as client:
        job = await client.submit(voices[BIRTHDAY], b"no sound", language="en")
        while job.state != "done":
            job = await client.job(job.id)
        assert job.files[0].analysis
        assert job.files[0].analysis.verdict == "negative"
        assert [file.problem and file.problem.code for file in job.files] == [None, "not_audio"]
        await client.delete_job(job.id)
        with pytest.raises(InvalidInput, match="no such job"):
            await client.job(job.id)


def test_orders_that_are_refused(gateway: Callable[..., Gateway], voices: dict[str, bytes]) -> None:
    limits = {"MAX_BYTES": "100000", "JOBS_MAX_BYTES": "150000", "JOBS_FILES": "3", "JOBS_QUEUE": "1"}
    front = gateway(**{f"VOXMOOD_{name}": value for name, value in limits.items()})
    refused = {
        "no file": (front.post(language="en"), 415, "not_supported"),
        "no sound": (front.ask("POST", "/jobs", files={"text": (None, "hello")}), 422, "invalid_request"),
        "another field": (front.post(b"sound", colour="red"), 422, "invalid_request"),
        "a file too large": (front.post(bytes(100_001)), 413, "too_large"),
        "all too large": (front.post(bytes(90_000), bytes(90_000), bytes(90_000)), 413, "too_large"),
        "too many files": (front.post(b"1", b"2", b"3", b"4"), 400, "bad_request"),
        "no id": (front.ask("GET", "/jobs/nonsense"), 422, "invalid_request"),
        "no such job": (front.ask("GET", f"/jobs/{'a' * 22}"), 404, "not_found"),
    }
    for what, (answer, status, code) in refused.items():
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    place = front.post(voices[HOLIDAY]).headers["location"]
    full = front.post(b"sound")
    assert (full.status_code, full.json()["code"]) == (429, "busy")
    assert int(full.headers["retry-after"]) > 0
    assert front.post(b"sound", who="boris").status_code == 202, "each key has a queue of its own"
    front.ask("DELETE", place)


@pytest.mark.fault("no space for a job", seen="503 `unavailable`; jobs that fit are taken and done")
def test_no_space(gateway: Callable[..., Gateway]) -> None:
    most = 1_500_000
    front = gateway(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    full = front.post(bytes(900_000), bytes(900_000))
    assert (full.status_code, full.json()["code"]) == (503, "unavailable")
    front.until(front.post(b"no sound").headers["location"], done)


@pytest.mark.fault("the Redis of jobs away", seen="503 `unavailable`; jobs are taken and done once it is there")
def test_redis_is_away(gateway: Callable[..., Gateway], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    front = gateway(VOXMOOD_JOBS_REDIS_URL=f"redis://127.0.0.1:{port}")
    away = front.post(b"no sound")
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert int(away.headers["retry-after"]) > 0
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with Server(command, port=port, env={}, log=tmp_path / "redis.log"):
        while (made := front.post(b"no sound")).status_code != 202:
            pass
        front.until(made.headers["location"], done)


def test_without_a_place_there_are_no_jobs(stack: Urls, voices: dict[str, bytes]) -> None:
    answer = httpx.post(f"{stack.gateway}/jobs", files={"audio": voices[BIRTHDAY]})
    assert (answer.status_code, answer.json()["code"]) == (501, "jobs_off")
    assert "VOXMOOD_JOBS_DIR" in answer.json()["detail"]
