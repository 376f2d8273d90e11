"""The Dockerfiles as data, and the settings that are read in containers: compose and Kubernetes are held to them."""

import importlib
import re
import shlex

import pytest

from tools.stack import ROOT
from voxmood_service import ServiceSettings

DOCKERFILES = {
    "asr": "services/asr/Dockerfile",
    "sentiment": "services/sentiment/Dockerfile",
    "gateway": "services/gateway/Dockerfile",
    "telegram": "clients/telegram/Dockerfile",
}
# What .env may hold for the same services run without containers.
FOR_PROCESSES = {
    "VOXMOOD_HOST": "127.0.0.1",
    "VOXMOOD_ASR_PORT": "9001",
    "VOXMOOD_SENTIMENT_PORT": "9002",
    "VOXMOOD_GATEWAY_PORT": "9000",
    "VOXMOOD_ASR_URL": "http://127.0.0.1:9001",
    "VOXMOOD_SENTIMENT_URL": "http://127.0.0.1:9002",
    "VOXMOOD_MODELS_DIR": "models",
    "VOXMOOD_SENTIMENT_MODEL": "services/sentiment/model",
    "VOXMOOD_TELEGRAM_PORT": "9003",
    "VOXMOOD_TELEGRAM_DIR": "telegram",
    "VOXMOOD_JOBS_DIR": "jobs",
}
Stage = list[tuple[str, str]]


def stages(service: str) -> dict[str, Stage]:
    """The Dockerfile's stages by name, the last one as `final`: instructions and their arguments."""
    text = (ROOT / DOCKERFILES[service]).read_text()
    found: dict[str, Stage] = {}
    for line in re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines():
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            source, _, name = arguments.partition(" AS ")
            found[name or "final"] = list(found.get(source, [("FROM", source)]))
        elif instruction:
            found[name or "final"].append((instruction, arguments))
    return found


def values(stage: Stage, instruction: str) -> list[str]:
    """The arguments of each such instruction."""
    return [arguments for name, arguments in stage if name == instruction]


def pairs(stage: Stage, instruction: str) -> dict[str, str]:
    """What such instructions set: NAME=value ..."""
    return dict(word.split("=", 1) for line in values(stage, instruction) for word in shlex.split(line))


def settings_class(service: str) -> type[ServiceSettings]:
    """The class of the service's settings."""
    found: type[ServiceSettings] = importlib.import_module(f"voxmood_{service}.settings").Settings
    return found


def container_settings(service: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    """The settings that the service reads in a container with these variables beside those of its image."""
    for name in ("TELEGRAM_API_ID", "TELEGRAM_API_HASH", "TELEGRAM_BOT_TOKEN"):
        monkeypatch.setenv(name, "1")
    for name, value in (pairs(stages(service)["final"], "ENV") | variables).items():
        monkeypatch.setenv(name, value)
    return settings_class(service)()


def default_port(service: str) -> int:
    """The port that the service listens on unless told otherwise."""
    return int(settings_class(service).model_fields[f"{service}_port"].default)
