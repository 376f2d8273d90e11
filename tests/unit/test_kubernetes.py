"""deploy/kubernetes, built as `kubectl apply -k` builds it, against the code and the images: no cluster is needed.

Not done here: whether services export what they are scaled by, see test_monitoring.py.
"""

import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.connections import Place, passes
from tests.images import DOCKERFILES, FOR_PROCESSES, container_settings, default_port, settings_class, stages, values
from tests.unit.test_compose import SERVICES
from tools.stack import ROOT
from voxmood_service import UpstreamSettings

FOLDER = ROOT / "deploy/kubernetes"
Resource = dict[str, Any]
each_service = pytest.mark.parametrize("service", DOCKERFILES)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """The example, after its three files were copied."""
    copy = shutil.copytree(FOLDER, tmp_path_factory.mktemp("deploy") / "kubernetes")
    for file in copy.glob("example/*.env.example"):
        file.rename(file.with_suffix(""))
    return build(copy / "example")


def build(folder: Path) -> list[Resource]:
    command = ["kubectl", "kustomize", str(folder)]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True).stdout))


@pytest.fixture
def deployments(built: list[Resource]) -> dict[str, Resource]:
    return {resource["metadata"]["name"]: resource for resource in of(built, "Deployment")}


def of(resources: list[Resource], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource["kind"] == kind]


def pod(deployment: Resource) -> Resource:
    found: Resource = deployment["spec"]["template"]["spec"]
    return found


def container(deployment: Resource) -> Resource:
    (only,) = pod(deployment)["containers"]
    found: Resource = only
    return found


def environment(deployment: Resource) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(deployment)["env"]}


def labels(deployment: Resource) -> dict[str, str]:
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


def test_each_kind_is_one_that_the_validator_knows(built: list[Resource]) -> None:
    for resource in built:  # its command only warns of others
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)
        assert resource["metadata"].get("namespace", "voxmood") == "voxmood"


def test_each_file_is_listed() -> None:
    for file in FOLDER.glob("*/kustomization.yaml"):
        listed = yaml.safe_load(file.read_text())
        names = listed.get("resources", []) + [patch["path"] for patch in listed.get("patches", [])]
        assert {path.name for path in file.parent.glob("*.yaml")} - {file.name} == {
            name for name in names if not name.startswith("..")
        }


@each_service
def test_image_is_the_one_that_compose_builds(service: str, deployments: dict[str, Resource]) -> None:
    name, _, version = container(deployments[service])["image"].rpartition("/")[2].partition(":")
    assert name == f"voxmood-{service}", "compose: project and service"
    assert f'version = "{version}"' in (ROOT / DOCKERFILES[service]).with_name("pyproject.toml").read_text()


@each_service
@pytest.mark.parametrize("given", [{}, FOR_PROCESSES], ids=["without settings", "with settings"])
def test_container_listens_where_it_is_looked_for(
    service: str, given: dict[str, str], deployments: dict[str, Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_here = environment(deployments[service])
    assert {name.removeprefix("VOXMOOD_").lower() for name in set_here} <= settings_class(service).model_fields.keys()
    read = container_settings(service, given | set_here, monkeypatch)
    assert read.host == "0.0.0.0"  # noqa: S104 (all of the container's)
    assert getattr(read, f"{service}_port") == default_port(service)
    assert container(deployments[service])["ports"] == [{"name": "http", "containerPort": default_port(service)}]
    assert getattr(read, "jobs_dir", None) is None, "gateways share them elsewhere"
    if isinstance(read, UpstreamSettings):
        assert read.asr_url == f"http://asr:{default_port('asr')}"
        assert read.sentiment_url == f"http://sentiment:{default_port('sentiment')}"
    mounts = {mount["mountPath"]: mount["name"] for mount in container(deployments[service])["volumeMounts"]}
    if service == "telegram":
        assert mounts.pop(str(getattr(read, "telegram_dir"))) == "telegram"  # noqa: B009 (not of every class)
    assert mounts == {"/tmp": "tmp"}  # noqa: S108


@each_service
def test_container_is_restricted_and_has_what_compose_gives(service: str, deployments: dict[str, Resource]) -> None:
    asked, given = pod(deployments[service]), SERVICES[service]
    user, group = values(stages(service)["final"], "USER")[-1].split(":")
    ids = {"runAsUser": int(user), "runAsGroup": int(group)}
    volume = {"fsGroup": int(group)} if service == "telegram" else {}
    assert asked["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        **ids,
        **volume,
    }
    assert container(deployments[service])["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert asked["automountServiceAccountToken"] is False
    assert asked["enableServiceLinks"] is False, "VOXMOOD_ASR_PORT=tcp://... would be no port"
    assert asked["shareProcessNamespace"] is given["init"]
    memory = given["deploy"]["resources"]["limits"]["memory"]
    resources = container(deployments[service])["resources"]
    assert resources["limits"] == {"memory": mebibytes(memory)}
    assert resources["requests"].keys() == {"cpu", "memory"}
    size = mebibytes(given["tmpfs"].partition("size=")[2])
    assert asked["volumes"][0] == {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": size}}


def mebibytes(size: str) -> str:
    """1g, as compose writes it, as Kubernetes does."""
    return size[:-1] + {"m": "Mi", "g": "Gi"}[size[-1]]


@each_service
def test_memory_that_was_measured_is_asked_for(service: str, deployments: dict[str, Resource]) -> None:
    (row,) = re.findall(
        rf"^\| {service} \|.*", (ROOT / "docs/operations.md").read_text().partition("## Health")[0], re.M
    )
    asked = container(deployments[service])["resources"]["requests"]["memory"].removesuffix("Mi")
    assert max(int(figure) for figure in re.findall(r"(\d+) MB", row)) * 1e6 <= int(asked) * 2**20


def test_threads_and_cores_agree(deployments: dict[str, Resource], monkeypatch: pytest.MonkeyPatch) -> None:
    for service, setting in {"asr": "asr_workers", "sentiment": "sentiment_threads"}.items():
        read = container_settings(service, environment(deployments[service]), monkeypatch)
        assert container(deployments[service])["resources"]["requests"]["cpu"] == str(getattr(read, setting))
    assert environment(deployments["asr"])["VOXMOOD_ASR_THREADS"] == "1"


@each_service
def test_health_is_asked_for_and_the_end_is_waited_for(service: str, deployments: dict[str, Resource]) -> None:
    probes = {name: probe for name, probe in container(deployments[service]).items() if name.endswith("Probe")}
    assert {name: probe["httpGet"] for name, probe in probes.items()} == {
        "startupProbe": {"path": "/livez", "port": "http"},
        "livenessProbe": {"path": "/livez", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }
    resting = container(deployments[service])["lifecycle"]["preStop"]["sleep"]["seconds"]
    given = int(SERVICES[service]["stop_grace_period"].removesuffix("s"))
    assert pod(deployments[service])["terminationGracePeriodSeconds"] >= resting + given


def test_what_is_referred_to_is_there(built: list[Resource], deployments: dict[str, Resource]) -> None:
    known = {(resource["kind"], resource["metadata"]["name"]) for resource in built}
    wanted = set()
    for deployment in deployments.values():
        for source in container(deployment)["envFrom"]:
            wanted |= {("Secret", it["name"]) for kind, it in source.items() if kind == "secretRef"}
            wanted |= {("ConfigMap", it["name"]) for kind, it in source.items() if kind == "configMapRef"}
        claims = [volume.get("persistentVolumeClaim") for volume in pod(deployment)["volumes"]]
        wanted |= {("PersistentVolumeClaim", claim["claimName"]) for claim in claims if claim}
    assert wanted == {one for one in known if one[0] in ("Secret", "ConfigMap", "PersistentVolumeClaim")}
    secrets = {name: container(it)["envFrom"][-1].get("secretRef", {}).get("name") for name, it in deployments.items()}
    assert [name for name, secret in secrets.items() if secret and secret.startswith(f"{name}-")] == [
        "gateway",
        "telegram",
    ]


def test_services_budgets_and_the_autoscaler_have_the_pods_that_they_are_named_for(
    built: list[Resource], deployments: dict[str, Resource]
) -> None:
    for deployment in deployments.values():
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels(deployment).items()
    selectors = {service["metadata"]["name"]: service["spec"]["selector"] for service in of(built, "Service")}
    assert {name: selected(by, deployments) for name, by in selectors.items()} == {
        name: [name] for name in ("asr", "gateway", "sentiment")
    }
    for service in of(built, "Service"):
        (port,) = service["spec"]["ports"]
        assert (port["port"], port["targetPort"]) == (default_port(service["metadata"]["name"]), "http")
    budgets = {it["metadata"]["name"]: it["spec"]["selector"]["matchLabels"] for it in of(built, "PodDisruptionBudget")}
    assert budgets == selectors, "and the only bot can be evicted"
    (scaler,) = of(built, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "asr")
    assert "replicas" not in deployments["asr"]["spec"], "each apply would undo what the autoscaler did"
    assert all(deployments[name]["spec"]["replicas"] > 1 for name in ("gateway", "sentiment"))


def selected(by: dict[str, str], deployments: dict[str, Resource]) -> list[str]:
    return [name for name, deployment in deployments.items() if by.items() <= labels(deployment).items()]


def test_one_bot_runs_once(deployments: dict[str, Resource]) -> None:
    spec = deployments["telegram"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("jobs", [False, True], ids=["without jobs", "with jobs"])
def test_only_who_must_can_connect(built: list[Resource], deployments: dict[str, Resource], jobs: bool) -> None:
    policies = of(built, "NetworkPolicy") + (build(FOLDER / "jobs") if jobs else [])
    ours = {
        name: Place("voxmood", labels(deployment), {"http": default_port(name)})
        for name, deployment in deployments.items()
    }
    others = {
        "internet": Place(),
        "ingress": Place("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
        "prometheus": Place("monitoring", {"app.kubernetes.io/name": "prometheus"}),
        "dns": Place("kube-system", {"k8s-app": "kube-dns"}),
        "redis": Place("voxmood", {"app.kubernetes.io/name": "redis"}),
    }
    places = ours | others
    ports = {name: default_port(name) for name in ours} | {"dns": 53, "internet": 443, "redis": 6379}
    found = {
        (source, target)
        for source in places
        for target in places
        if target in ports and {source, target} & {*ours, "redis"} and source != target
        if passes(policies, places[source], places[target], ports[target])
    }
    assert found == {
        *((client, service) for client in ("gateway", "telegram") for service in ("asr", "sentiment", "dns")),
        ("telegram", "internet"),
        *((outside, "gateway") for outside in ("internet", "ingress", "prometheus", "dns")),
        *(("prometheus", name) for name in ours),
        *((("gateway", "redis"), ("gateway", "internet")) if jobs else ()),
    }
    assert not any(passes(policies, places["prometheus"], place, 22) for place in ours.values())


def test_prometheus_finds_each_pod_and_calls_it_as_alerts_do(deployments: dict[str, Resource]) -> None:
    (job,) = yaml.safe_load((FOLDER / "monitoring/scrape.yml").read_text())
    for name, deployment in deployments.items():
        found = {f"pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": value for key, value in labels(deployment).items()}
        found |= {"pod_container_port_name": "http", "namespace": deployment["metadata"]["namespace"], "pod_name": "it"}
        made = {}
        for rule in job["relabel_configs"]:
            value = found[rule["source_labels"][0].removeprefix("__meta_kubernetes_")]
            if rule.get("action") == "keep":
                assert re.fullmatch(rule["regex"], value)
            else:
                made[rule["target_label"]] = value
        assert made == {"job": name, "namespace": "voxmood", "pod": "it"}
        assert job["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"names": [made["namespace"]]}}]


def test_the_example_names_settings_and_keeps_secrets_out_of_the_repository() -> None:
    known = {f"VOXMOOD_{name}".upper() for service in DOCKERFILES for name in settings_class(service).model_fields}
    known |= {str(field.validation_alias) for field in settings_class("telegram").model_fields.values()}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    (generated,) = yaml.safe_load_all((FOLDER / "example/kustomization.yaml").read_text())
    for generator in generated["configMapGenerator"] + generated["secretGenerator"]:
        (name,) = generator["envs"]
        path = f"/deploy/kubernetes/example/{name}"
        assert any(fnmatch(path, pattern) for pattern in ignored)
        lines = (ROOT / f"{path[1:]}.example").read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        assert given.keys() <= known
        assert generator in generated["configMapGenerator"] or not any(given.values())
