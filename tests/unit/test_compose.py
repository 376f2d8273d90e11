"""docker-compose.yml and the Dockerfiles against the code they run: no engine is needed.

Not done here: whether the files are well-formed, which `make lint` checks.
"""

import json
import re
import shlex
import subprocess
import sys
import threading
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry

from tests.conftest import Serve
from tests.images import (
    DOCKERFILES,
    FOR_PROCESSES,
    Stage,
    container_settings,
    default_port,
    pairs,
    settings_class,
    stages,
    values,
)
from tools.stack import ROOT, free_ports
from voxmood_asr import weights
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_sentiment.settings import SHIPPED
from voxmood_service import service_app

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = {name: service for name, service in ALL.items() if "build" in service}
MONITORING = {name: service for name, service in ALL.items() if "image" in service}

each_service = pytest.mark.parametrize("service", SERVICES)


def copies(stage: Stage) -> list[tuple[list[str], str]]:
    """Sources in the build context and the destination of each COPY."""
    lines = [shlex.split(line) for line in values(stage, "COPY")]
    return [(sources, target) for *sources, target in lines if not sources[0].startswith("--from=")]


def resolve(value: object, dotenv: dict[str, str]) -> str:
    """The value as Compose puts variables in it."""
    value = re.sub(r"\$\{(\w+):\+(.*?)\}", lambda match: match[2] if dotenv.get(match[1]) else "", str(value))
    return re.sub(r"\$\{(\w+):-(.*?)\}", lambda match: dotenv.get(match[1]) or match[2], str(value))


def settings(service: str, dotenv: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings that the service reads in its container: .env, then what the compose file insists on."""
    insisted = {name: resolve(value, dotenv) for name, value in SERVICES[service]["environment"].items()}
    return container_settings(service, dotenv | insisted, monkeypatch)


def health_command(service: str) -> list[str]:
    (check,) = values(stages(service)["final"], "HEALTHCHECK")
    command: list[str] = json.loads(check[check.index("[") :])
    return command


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets the path into the build context: the last pattern for it or a parent decides."""
    sent = True
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        if pattern and not pattern.startswith("#"):
            expression = re.escape(pattern.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.match(f"{expression}(/|$)", path):
                sent = pattern.startswith("!")
    return sent


def project(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(path.read_text())["project"]
    return table


def local_packages(service: str) -> set[str]:
    """The folders of the packages of this repository that the service is made of."""
    projects = {project(path)["name"]: path for path in ROOT.glob("*/*/pyproject.toml")}
    wanted, found = [f"voxmood-{service}"], set()
    while wanted:
        path = projects[wanted.pop()]
        found.add(path.parent.relative_to(ROOT).as_posix())
        needed = [re.split(r"[^\w-]", requirement)[0] for requirement in project(path)["dependencies"]]
        wanted += [name for name in needed if name in projects]
    return found


def test_each_image_is_built_from_its_dockerfile() -> None:
    assert {name: service["build"]["dockerfile"] for name, service in SERVICES.items()} == DOCKERFILES


@each_service
def test_image_runs_the_package(service: str) -> None:
    final = stages(service)["final"]
    (entrypoint,) = values(final, "ENTRYPOINT")
    *python, module = json.loads(entrypoint)
    assert python == ["python", "-m"]
    assert module == settings_class(service).__module__.removesuffix(".settings")
    assert find_spec(f"{module}.__main__")
    (about,) = (
        found for path in ROOT.glob("*/*/pyproject.toml") if (found := project(path))["name"] == f"voxmood-{service}"
    )
    labels = pairs(final, "LABEL")
    prefix = "org.opencontainers.image"
    assert labels[f"{prefix}.title"] == about["name"]
    assert labels[f"{prefix}.description"] == about["description"]
    assert labels[f"{prefix}.licenses"] == about["license"]


@each_service
def test_image_is_small_pinned_and_without_root(service: str) -> None:
    final = stages(service)["final"]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", values(final, "FROM")[0])
    assert values(final, "FROM") == values(stages("gateway")["final"], "FROM")
    assert not values(final, "RUN"), "what is installed is built in another stage"
    user, group = values(final, "USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) > 0


@each_service
def test_image_installs_the_packages_and_their_code(service: str) -> None:
    build = stages(service)["build"]
    installs = [shlex.split(line) for line in values(build, "RUN") if line.startswith("pip install")]
    wanted = local_packages(service)
    for install in installs:
        assert {word[2:] for word in install if word.startswith("./")} == wanted
    assert ["--no-deps" in install for install in installs] == [False, True]
    copied = {source: target for sources, target in copies(build) for source in sources}
    for folder in wanted:
        assert copied[f"{folder}/pyproject.toml"] == f"{folder}/"
        for package in ROOT.glob(f"{folder}/voxmood*/__init__.py"):
            code = package.parent.relative_to(ROOT).as_posix()
            assert copied[code] == code
    (workdir,) = values(build, "WORKDIR")
    assert copied["constraints.txt"] == "./"
    for variable in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):
        assert pairs(build, "ENV")[variable] == f"{workdir}/constraints.txt"


@each_service
def test_what_is_copied_is_there_and_sent(service: str) -> None:
    sources = [source for stage in stages(service).values() for found, _ in copies(stage) for source in found]
    for source in sources:
        path = ROOT / source
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        files = [file for file in files if "__pycache__" not in file.parts]
        assert files, f"{source} is not there"
        assert [file for file in files if not is_sent(file.relative_to(ROOT).as_posix())] == []


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "models/whisper-base/model.bin",
        "services/asr/Dockerfile",
        "services/asr/voxmood_asr/__pycache__/app.pyc",
        "services/sentiment/training/train.py",
        "bench/wer.py",
    ],
)
def test_what_no_image_needs_is_not_sent(path: str) -> None:
    assert not is_sent(path)


@each_service
def test_variables_are_settings(service: str) -> None:
    image = {name for stage in stages(service).values() for name in pairs(stage, "ENV")}
    for name in image | set(SERVICES[service]["environment"]):
        if name.startswith("VOXMOOD_"):
            assert name.removeprefix("VOXMOOD_").lower() in settings_class(service).model_fields


@each_service
@pytest.mark.parametrize("dotenv", [{}, FOR_PROCESSES], ids=["without .env", "with .env"])
def test_container_listens_where_it_is_looked_for(
    service: str, dotenv: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = settings(service, dotenv, monkeypatch)
    port = default_port(service)
    assert read.host == "0.0.0.0"  # noqa: S104 (all of the container's)
    assert getattr(read, f"{service}_port") == port
    assert values(stages(service)["final"], "EXPOSE") == [str(port)]
    assert f"127.0.0.1', {port})" in health_command(service)[-1]


@pytest.mark.parametrize("dotenv", [{}, FOR_PROCESSES], ids=["without .env", "with .env"])
@pytest.mark.parametrize("asking", ["gateway", "telegram"])
def test_who_asks_finds_the_services(asking: str, dotenv: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings(asking, dotenv, monkeypatch)
    for service, url in {"asr": read.asr_url, "sentiment": read.sentiment_url}.items():
        assert httpx.URL(url) == httpx.URL(f"http://{service}:{default_port(service)}")
        assert set(SERVICES[asking]["networks"]) & set(SERVICES[service]["networks"])
        assert SERVICES[asking]["depends_on"][service] == {"condition": "service_healthy"}


@pytest.mark.parametrize("dotenv", [{}, FOR_PROCESSES], ids=["without .env", "with .env"])
def test_models_are_where_the_services_look(
    dotenv: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "fetch", lambda _, target: target.mkdir())
    monkeypatch.setattr(sys, "argv", ["weights", "--to", str(tmp_path)])
    weights.main()
    assert Path(AsrSettings(models_dir=tmp_path).model_source()).parent == tmp_path
    (fetch,) = values(stages("asr")["weights"], "RUN")
    *command, folder = shlex.split(fetch)
    assert command == ["python", "-m", weights.__name__, "--to"]
    final = stages("asr")["final"]
    assert f"--from=weights {folder} {folder}" in values(final, "COPY")
    assert pairs(final, "ENV")["VOXMOOD_MODELS_DIR"] == folder
    assert settings("asr", dotenv, monkeypatch).models_dir == Path(folder)
    (mount,) = SERVICES["asr"]["volumes"]
    assert mount.split(":")[1] == folder
    assert mount.split(":")[0] in COMPOSE["volumes"]

    model = settings("sentiment", dotenv, monkeypatch).sentiment_model
    assert ([SHIPPED.relative_to(ROOT).as_posix()], model) in copies(stages("sentiment")["final"])
    assert pairs(stages("sentiment")["final"], "ENV")["VOXMOOD_SENTIMENT_MODEL"] == model


@pytest.mark.parametrize("service", ["asr", "sentiment"])
def test_onnx_runtime_reports_nothing_home(service: str, tmp_path: Path) -> None:
    # It keeps what it reports under the home folder. In CI it keeps quiet by itself, so nothing of ours is passed on.
    environment = pairs(stages(service)["final"], "ENV") | {"PATH": "", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import onnxruntime"], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


@each_service
def test_service_is_confined_and_limited(service: str) -> None:
    asked = SERVICES[service]
    assert asked["read_only"] is True
    assert asked["cap_drop"] == ["ALL"]
    assert asked["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in asked, "the image's user is not root"
    limits = asked["deploy"]["resources"]["limits"]
    assert megabytes(asked["tmpfs"].partition("size=")[2]) < megabytes(limits["memory"]) / 2, "it counts as memory"
    assert float(resolve(limits["cpus"], {})) > 0
    assert asked["healthcheck"].keys() >= {"interval", "timeout", "start_period"}
    assert not asked["healthcheck"].keys() & {"disable", "test"}, "the image says how"


@pytest.mark.parametrize("service", MONITORING)
def test_monitoring_is_optional_pinned_confined_and_told_no_secret(service: str) -> None:
    asked = MONITORING[service]
    assert asked["profiles"] == ["monitoring"]
    assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", asked["image"])
    assert asked["read_only"] is True
    assert asked["cap_drop"] == ["ALL"]
    assert asked["security_opt"] == ["no-new-privileges:true"]
    assert "env_file" not in asked
    assert not [value for value in asked.get("environment", {}).values() if "${" in value]
    assert asked["deploy"]["resources"]["limits"].keys() == {"memory", "cpus"}
    assert [resolve(port, {}) for port in asked.get("ports", ())] in ([], ["127.0.0.1:3000:3000"])
    mounts = [mount.split(":") for mount in asked["volumes"]]
    assert all((ROOT / source).is_dir() and mode == ["ro"] for source, _, *mode in mounts if source.startswith("."))
    assert {source for source, *_ in mounts if not source.startswith(".")} <= set(COMPOSE["volumes"])


def test_prometheus_asks_each_service_and_grafana_asks_prometheus() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        job["job_name"]: [(name, found["port"]) for found in job["dns_sd_configs"] for name in found["names"]]
        for job in config["scrape_configs"]
    }
    assert targets == {service: [(service, default_port(service))] for service in SERVICES}
    (source,) = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    for asking, asked in [*(("prometheus", service) for service in SERVICES), ("grafana", "prometheus")]:
        assert set(ALL[asking]["networks"]) & set(ALL[asked]["networks"])


def megabytes(size: str) -> int:
    return int(size[:-1]) * {"m": 1, "g": 1024}[size[-1]]


@pytest.mark.parametrize(("service", "setting"), [("asr", "asr_workers"), ("sentiment", "sentiment_threads")])
@pytest.mark.parametrize("wanted", [None, "4", "0"])
def test_threads_and_cores_agree(
    service: str, setting: str, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = {f"VOXMOOD_{setting.upper()}": wanted} if wanted else {}
    cores = resolve(SERVICES[service]["deploy"]["resources"]["limits"]["cpus"], dotenv)
    read = settings(service, dotenv, monkeypatch)
    assert getattr(read, setting) == float(cores)
    assert wanted in (None, cores)
    assert service != "asr" or read.asr_threads == 1, "a core for each recognition is enough then"


def test_only_the_gateway_is_published() -> None:
    assert [service for service in SERVICES if "ports" in SERVICES[service]] == ["gateway"]
    (published,) = SERVICES["gateway"]["ports"]
    port = default_port("gateway")
    assert resolve(published, {}) == f"127.0.0.1:{port}:{port}"
    assert resolve(published, {"VOXMOOD_PUBLISH": "80"}) == f"80:{port}"
    internal = {name for name, network in COMPOSE["networks"].items() if network and network.get("internal")}
    reachable = {service for service in SERVICES if not set(SERVICES[service]["networks"]) <= internal}
    assert reachable == {"gateway", "telegram"}


def test_there_are_no_jobs_unless_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings("gateway", {}, monkeypatch).jobs_dir is None


def test_only_the_bot_runs_only_when_wanted() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["telegram"]


@pytest.mark.parametrize(("service", "setting"), [("telegram", "telegram_dir"), ("gateway", "jobs_dir")])
def test_what_is_to_be_kept_is_on_a_volume(service: str, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings(service, FOR_PROCESSES, monkeypatch)
    (mount,) = SERVICES[service]["volumes"]
    volume, folder = mount.split(":")
    assert volume in COMPOSE["volumes"]
    assert getattr(read, setting) == Path(folder)
    final = stages(service)["final"]
    (user,) = values(final, "USER")
    assert f"--from=build --chown={user} {folder} {folder}" in values(final, "COPY"), "else root owns the volume"


@each_service
def test_health_command_tells_ready_from_not(service: str, serve: Serve) -> None:
    loaded = threading.Event()

    def load() -> None:
        loaded.wait(60)

    app, loading = service_app(
        title=service, version="0", description="", table={}, max_bytes=1, registry=CollectorRegistry(), load=load
    )

    def is_healthy(port: int) -> bool:
        python, *arguments = health_command(service)
        assert python == "python"
        arguments[-1] = arguments[-1].replace(str(default_port(service)), str(port))
        return subprocess.run([sys.executable, *arguments], stderr=subprocess.DEVNULL).returncode == 0

    assert not is_healthy(*free_ports(1))
    with serve(app) as url:
        port = httpx.URL(url).port or 0
        assert not is_healthy(port)
        loaded.set()
        while not loading.ready:
            time.sleep(0.01)
        assert is_healthy(port)
