"""What the benchmark ran on: the processor, the memory, and the versions of everything that counts."""

import json
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

OURS = ("ctranslate2", "faster-whisper", "onnxruntime", "av", "numpy", "fastapi", "uvicorn")
PEERS = ("ctranslate2", "faster-whisper", "openai-whisper", "pywhispercpp", "torch", "transformers", "fastapi")
ASK = (
    "import json, sys; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in sys.argv[1:]}))"
)


def describe(peers_python: Path) -> dict[str, Any]:
    """The machine, and versions, those of the peers' environment included."""
    answer = subprocess.run([str(peers_python), "-c", ASK, *PEERS], check=True, capture_output=True, text=True)
    return {**machine(), "peers": json.loads(answer.stdout)}


def machine() -> dict[str, Any]:
    """Processor, logical cores, memory in GB, system, Python and our versions."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "voxmood": {name: version(name) for name in OURS},
    }


def _processor() -> str:
    """The processor's own name, where Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()
