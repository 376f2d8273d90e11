"""The parts agree: settings and .env.example, packages and what they import, README and files, versions and pins."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest

from tools.stack import ROOT, free_ports
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_gateway.settings import Settings as GatewaySettings
from voxmood_sentiment.settings import Settings as SentimentSettings
from voxmood_service import read_settings
from voxmood_telegram.settings import Settings as TelegramSettings

SETTINGS = (AsrSettings, SentimentSettings, GatewaySettings, TelegramSettings)
PACKAGES = [path.parent for path in ROOT.glob("*/*/pyproject.toml")]


def canonical(name: str) -> str:
    return re.split(r"[^\w.-]", name, maxsplit=1)[0].lower().replace("_", "-")


@cache
def distribution(module: str) -> str:
    """The distribution that a module is of; several may share the top of its name."""
    names = {*packages_distributions()[module.split(".")[0]]}
    if len(names) > 1:
        places = {f"{module.replace('.', '/')}{end}" for end in (".py", "/__init__.py")}
        names = {name for name in names if places & {file.as_posix() for file in files(name) or ()}}
    (name,) = names
    return canonical(name)


def test_every_setting_is_in_the_example_and_none_else() -> None:
    listed = set(re.findall(r"^#?((?:VOXMOOD|TELEGRAM)_\w+)=", (ROOT / ".env.example").read_text(), re.M))
    in_compose = set(re.findall(r"\$\{(VOXMOOD_\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert listed == in_compose | {
        str(field.validation_alias or f"VOXMOOD_{name.upper()}")
        for kind in SETTINGS
        for name, field in kind.model_fields.items()
    }


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TELEGRAM_API_ID", "TELEGRAM_API_HASH", "TELEGRAM_BOT_TOKEN"):
        monkeypatch.setenv(name, "1")
    defaults = [kind() for kind in SETTINGS]
    for name, value in re.findall(r"^#(VOXMOOD_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.M):
        if name == "VOXMOOD_SENTIMENT_MODEL":
            assert (ROOT / value).resolve() == Path(SentimentSettings().sentiment_model)
        else:
            monkeypatch.setenv(name, value)
    assert [kind() for kind in SETTINGS] == defaults


def test_every_setting_says_what_it_does() -> None:
    assert [name for kind in SETTINGS for name, field in kind.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(("value", "languages"), [("en", ("en",)), ("ru, en", ("ru", "en"))])
def test_languages_are_written_with_commas(
    monkeypatch: pytest.MonkeyPatch, value: str, languages: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VOXMOOD_LANGUAGES", value)
    assert AsrSettings().languages == languages


def test_one_env_file_serves_all_services(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("VOXMOOD_ASR_PORT=1234\nVOXMOOD_GATEWAY_PORT=1235\nVOXMOOD_API_KEYS=\nOTHER=1\n")
    assert read_settings(AsrSettings, file).asr_port == 1234
    assert read_settings(GatewaySettings, file).gateway_port == 1235
    assert read_settings(GatewaySettings, file).api_keys == {}, "an empty setting is none"


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("voxmood_asr", "VOXMOOD_ASR_PORT", "eighty"),
        ("voxmood_gateway", "VOXMOOD_ASR_TIMEOUT", "-1"),
        ("voxmood_asr", "VOXMOOD_ASR_MODEL", "no such/model"),
        ("voxmood_sentiment", "VOXMOOD_SENTIMENT_MODEL", "/nowhere"),
    ],
)
def test_a_service_that_cannot_start_says_why_in_a_line(module: str, name: str, value: str) -> None:
    ports = {f"VOXMOOD_{kind}_PORT": str(port) for kind, port in zip(("ASR", "SENTIMENT"), free_ports(2), strict=True)}
    env = {**os.environ, **ports, name: value}
    done = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True, timeout=60, env=env, cwd=ROOT)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_declares_what_it_imports_and_nothing_else(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    optional = {canonical(name) for names in project.get("optional-dependencies", {}).values() for name in names}
    declared = {canonical(name) for name in project["dependencies"]}
    (code,) = [path for path in package.iterdir() if path.name.startswith("voxmood") and (path / "py.typed").exists()]
    modules = set()
    for file in code.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
                if node.module == "opentelemetry":
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= {name for name in names if name.split(".")[0] not in {code.name, *sys.stdlib_module_names}}
    imported = {distribution(module) for module in modules}
    unseen = {"python-multipart", "tgcrypto-pyrofork"}  # FastAPI reads forms with it, pyrogram encrypts with it
    assert imported - (optional - declared) == declared - unseen
    assert imported <= declared | optional


def test_everything_declared_is_pinned() -> None:
    pinned = {canonical(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    for package in PACKAGES:
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        names = project["dependencies"] + [
            n for extra in project.get("optional-dependencies", {}).values() for n in extra
        ]
        assert {canonical(name) for name in names if not name.startswith("voxmood")} <= pinned
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert {canonical(name) for group in groups.values() for name in group if isinstance(name, str)} <= pinned


def test_no_service_imports_another_and_no_client_a_service() -> None:
    allowed = {
        "voxmood_service": set(),
        "voxmood_asr": {"voxmood_service"},
        "voxmood_sentiment": {"voxmood_service"},
        "voxmood": set(),
        "voxmood_gateway": {"voxmood_service", "voxmood"},
        "voxmood_telegram": {"voxmood_service", "voxmood"},
    }
    for package, others in allowed.items():
        for folder in ROOT.glob(f"*/*/{package}"):
            for file in folder.rglob("*.py"):
                used = set(re.findall(r"^\s*(?:from|import) (voxmood\w*)", file.read_text(), re.M))
                assert used <= others | {package}, file


HEAVY = ("torch", "transformers", "pandas", "sklearn", "scipy", "matplotlib", "nltk", "gensim")


@pytest.mark.parametrize("module", ["voxmood_asr.app", "voxmood_sentiment.app", "voxmood_gateway.app"])
def test_a_service_starts_without_what_only_training_needs(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"


def test_the_files_that_the_readme_names_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    linked = re.findall(r"\]\((?!http|#)([^)#]+)", readme)
    mapped = re.findall(r"^([\w./-]+/|[\w.-]+\.\w+|Makefile|Procfile) {2,}", readme, re.M)
    assert linked
    assert mapped
    assert [name for name in linked + mapped if not (ROOT / name).exists()] == []
