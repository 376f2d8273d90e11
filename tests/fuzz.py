"""A mutation fuzzer: recordings for the decoder, request bodies for the gateway.

    PYTHONPATH=services/sentiment python -m tests.fuzz --seconds 600 --out bench/fuzz.json      # 10 min; or: make fuzz

A crash is anything but the answer or an error that the contract names. A decoder that a file brings down is none: it
is what the decoder's process is for; the count is reported. Cases that crash something are kept, to be tried again.
"""

import asyncio
import hashlib
import io
import json
import logging
import random
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx
import psutil
from prometheus_client import CollectorRegistry
from training.options import options

from voxmood import Analyzer, InvalidInput
from voxmood_asr.decoder import Decoder
from voxmood_asr.errors import AsrError
from voxmood_gateway.app import create_app
from voxmood_gateway.settings import Settings

VOICE = Path(__file__).parents[1] / "demo/voices/en-positive-job.ogg"
CONTAINERS = {
    "ogg": "libopus",
    "mp4": "aac",
    "webm": "libopus",
    "mp3": "libmp3lame",
    "flac": "flac",
    "wav": "pcm_s16le",
    "adts": "aac",
}
INTERESTING = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00")
MOST_BYTES = 1_000_000
STATUSES = {400, 413, 415, 422}


@dataclass(frozen=True)
class Options:
    """How long, from which chance, and where to."""

    seconds: float = 30
    seed: int = 1
    out: Path | None = None  # a JSON of the counts
    crashes: Path = Path("runs/fuzz")  # where files that crash something are kept


@dataclass
class Report:
    """What became of the cases of one target."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slowest: float = 0  # seconds

    def add(self, outcome: str, seconds: float) -> None:
        """Count a case."""
        self.cases += 1
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, seconds)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "cases": self.cases,
            "crashes": len(self.crashes),
            "outcomes": dict(self.outcomes.most_common()),
            "slowest_s": round(self.slowest, 2),
        }


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The bytes after one to eight changes: bits, numbers, pieces cut, doubled, moved, or taken from another."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        # Headers are where decisions are made: half of the changes go there.
        reach = len(out) if chance.random() < 0.5 else min(len(out), 256)
        at, length = chance.randrange(max(1, reach)), chance.choice((1, 4, 16, 256, 4096))
        match chance.randrange(7):
            case 0 if out:
                out[at % len(out)] ^= 1 << chance.randrange(8)
            case 1:
                value = chance.choice(INTERESTING)
                out[at : at + len(value)] = value
            case 2:
                out[at : at + length] = chance.randbytes(min(length, 64))
            case 3:
                del out[at : at + length]
            case 4:
                out[at:at] = out[at : at + length] * chance.choice((1, 2, 16))
            case 5:
                other = chance.choice(others)
                start = chance.randrange(max(1, len(other)))
                out[at:at] = other[start : start + length]
            case _:
                del out[len(out) - chance.randrange(1 + len(out) // 2) :]
    return bytes(out[:MOST_BYTES])


def recordings() -> list[bytes]:
    """A second of a voice in every container that the README names."""
    return [encoded(container, codec) for container, codec in CONTAINERS.items()]


def encoded(container: str, codec: str, seconds: float = 1.0) -> bytes:
    """The beginning of a voice, in a container."""
    out = io.BytesIO()
    with av.open(str(VOICE)) as source, av.open(out, mode="w", format=container) as target:
        sound = target.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(sound, av.AudioStream)
        context = sound.codec_context
        resampler = av.AudioResampler(format=context.format, layout="mono", rate=48_000, frame_size=context.frame_size)
        for frame in source.decode(audio=0):
            if frame.time is not None and frame.time > seconds:
                break
            for resampled in resampler.resample(frame):
                target.mux(sound.encode(resampled))
        target.mux(sound.encode(None))
    return out.getvalue()


def bodies() -> list[tuple[str, bytes]]:
    """Requests that the gateway takes: content type and body."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(320))
    kinds: list[dict[str, Any]] = [
        {"files": {"audio": ("a.wav", sound.getvalue())}, "data": {"language": "en", "explain": "true"}},
        {"files": {"audio": ('ж"\r\n.ogg', b"OggS"), "text": ("", b"twice")}},
        {"data": {"text": "I am so glad. Я рад! 🙂", "language": "ru"}},
        {"json": {"text": "I am so glad.", "language": "en", "explain": True}},
    ]
    requests = [httpx.Request("POST", "http://gateway/analyze", **kind) for kind in kinds]
    return [(request.headers["content-type"], request.read()) for request in requests]


class Refuses(Analyzer):
    """Takes whatever the gateway understood; the fuzzer is after the way there."""

    async def analyze_audio(self, audio: bytes, **_: Any) -> Any:
        """Refuse."""
        raise InvalidInput("understood", code="understood")

    async def analyze_text(self, text: str, **_: Any) -> Any:
        """Refuse, after the text was written down once, as it is on its way to a service."""
        json.dumps(text).encode()
        raise InvalidInput("understood", code="understood")


def fuzz_decoder(wish: Options) -> Report:
    """Mutated recordings, each probed and decoded in a confined process, as the service does."""
    report, chance, seeds = Report(), random.Random(wish.seed), recordings()  # noqa: S311

    def one(data: bytes) -> None:
        began = time.perf_counter()
        before = decoder.killed._value.get()
        try:
            asyncio.run(decoder.probe(data))
            clip = decoder.decode(data)
            outcome = "decoded, cut" if clip.truncated else "decoded"
        except AsrError as error:
            outcome = type(error).__name__ if decoder.killed._value.get() == before else "decoder killed"
        except Exception as error:
            outcome = f"crash: {type(error).__name__}"
            report.crashes.append(keep(wish.crashes, data))
        report.add(outcome, time.perf_counter() - began)

    with closing(Decoder(1, MOST_BYTES, 60, CollectorRegistry())) as decoder:
        decoder.start()
        for _ in until(wish.seconds):
            one(mutated(chance.choice(seeds), seeds, chance))
    return report


async def fuzz_bodies(wish: Options) -> Report:
    """Mutated bodies and content types for the gateway's own reading of `POST /analyze`."""
    report, chance, seeds = Report(), random.Random(wish.seed), bodies()  # noqa: S311
    everything = [body for _, body in seeds]
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it would tell of every mutation
    app, _ = create_app(Settings(max_bytes=MOST_BYTES), Refuses())
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for _ in until(wish.seconds):
            kind, body = chance.choice(seeds)
            head = kind.encode()
            if chance.random() < 0.3:
                head = mutated(head, [kind.encode() for kind, _ in seeds], chance)[:4096]
            body = mutated(body, everything, chance)
            began = time.perf_counter()
            try:
                answer = await client.post("/analyze", content=body, headers=[(b"content-type", head)])
                problem = answer.json()
                outcome = f"{answer.status_code} {problem['code']}"
                crashed = answer.status_code not in STATUSES
            except Exception as error:
                outcome, crashed = f"crash: {type(error).__name__}", True
            if crashed:
                report.crashes.append(keep(wish.crashes, head + b"\n\n" + body))
            report.add(outcome, time.perf_counter() - began)
    return report


def until(seconds: float) -> Iterator[None]:
    """Go on for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def keep(folder: Path, data: bytes) -> str:
    """Write a case down; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return str(path)


def fuzz(wish: Options) -> dict[str, Report]:
    """Both targets at once, each for so many seconds."""
    targets: dict[str, Callable[[], Report]] = {
        "decoder": lambda: fuzz_decoder(wish),
        "request bodies": lambda: asyncio.run(fuzz_bodies(wish)),
    }
    with ThreadPoolExecutor(len(targets)) as pool:
        running = {name: pool.submit(target) for name, target in targets.items()}
    return {name: future.result() for name, future in running.items()}


def main() -> None:
    """Fuzz, print the counts, and exit 1 after a crash."""
    wish = options(Options)
    reports = fuzz(wish)
    peak = round(psutil.Process().memory_info().rss / 1e6)
    found = {"seconds": wish.seconds, "memory_mb": peak} | {name: report.as_dict() for name, report in reports.items()}
    text = json.dumps(found, indent=1) + "\n"
    print(text, end="")
    if wish.out:
        wish.out.write_text(text)
    crashes = [path for report in reports.values() for path in report.crashes]
    if crashes:
        raise SystemExit("kept: " + " ".join(crashes))


if __name__ == "__main__":
    main()
