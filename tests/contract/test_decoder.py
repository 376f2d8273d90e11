"""The decoder's confinement: hostile files against real worker processes."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from voxmood_asr import audio
from voxmood_asr.decoder import Decoder, limited
from voxmood_asr.errors import AsrError, UnreadableAudio

JOB = "en-positive-job"


@pytest.fixture(scope="module")
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(scope="module")
def confined(registry: CollectorRegistry) -> Iterator[Decoder]:
    confined = Decoder(1, 20_000_000, 600, registry)
    confined.start()
    yield confined
    confined.close()


def killed(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("voxmood_decoders_killed_total") or 0


def run(confined: Decoder, code: str) -> None:
    """Run what a taken-over decoder might, in a worker and under its limits."""
    with confined._survived():
        confined.pool.schedule(limited, [1.0, exec, code, {}], timeout=2).result()


def test_it_decodes_as_the_process_itself_would(confined: Decoder, voices: dict[str, bytes]) -> None:
    ours, own = confined.decode(voices[JOB]), audio.decode(voices[JOB], 600)
    assert (ours.pcm == own.pcm).all()
    assert asyncio.run(confined.probe(voices[JOB])) == audio.probe(voices[JOB], 600)


@pytest.mark.parametrize(
    "harm",
    [
        "while True: pass",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "bytearray(4_000_000_000)",
        "import threading; threading.Event().wait()",
    ],
)
def test_what_takes_too_much_is_killed_and_replaced(
    confined: Decoder, registry: CollectorRegistry, voices: dict[str, bytes], harm: str
) -> None:
    before = killed(registry)
    with pytest.raises(UnreadableAudio, match="more time or memory"):
        run(confined, harm)
    assert killed(registry) == before + 1
    assert confined.decode(voices[JOB]).seconds > 5


@pytest.mark.parametrize(
    "harm",
    [
        "open('/etc/hostname')",
        "import socket; socket.socket()",
        "open('/tmp/left-by-a-decoder', 'w')",
        "import os; os.pipe()",
    ],
)
def test_nothing_can_be_opened(confined: Decoder, harm: str) -> None:
    with pytest.raises(OSError, match="Too many open files"):
        run(confined, harm)


def test_a_pool_that_broke_is_replaced(confined: Decoder, voices: dict[str, bytes]) -> None:
    confined.close()
    assert confined.decode(voices[JOB]).seconds > 5


def playlists(target: str) -> list[bytes]:
    port = target.rpartition(":")[2].partition("/")[0]
    return [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio {port} RTP/AVP 0\n".encode(),
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{target}</BaseURL></MPD>'.encode(),
    ]


def test_playlists_open_neither_files_nor_connections(
    confined: Decoder, voices: dict[str, bytes], tmp_path: Path
) -> None:
    secret = tmp_path / "secret.ogg"
    secret.write_bytes(voices[JOB])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.ogg"
        for data in [*playlists(str(secret)), *playlists(f"file://{secret}"), *playlists(url)]:
            with pytest.raises(AsrError):
                confined.decode(data)
        with pytest.raises(BlockingIOError):
            listener.accept()
