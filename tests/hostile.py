"""Files made to do harm: each promises far more than it holds, or makes a decoder look where it should not.

    PYTHONPATH=services/sentiment python -m tests.hostile      # 1 min; answers and peak memory to bench/hostile.json

Peaks are those of resident memory as Linux counts them (VmHWM), of the service's process and of its largest decoder.
"""

import io
import json
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias, TypedDict

import av
import httpx
import psutil

from tests.fuzz import encoded
from tools.stack import ROOT, running

RESULT = ROOT / "bench/hostile.json"
FLAC_TOTAL = slice(21, 26)  # the last 4 bits of the first of these bytes and the other four: samples in all
HOUR = 3600
MILLIONS = 2**31 - 2


def silence_for_hours() -> bytes:
    """Ten hours of silence in less than a megabyte of FLAC that does not say how long it is."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="flac") as target:
        sound = target.add_stream("flac", rate=8_000, layout="mono", options={"frame_size": "65535"})
        assert isinstance(sound, av.AudioStream)
        sound.format = "s16"
        sound.codec_context.open()
        silence = av.AudioFrame(format="s16", layout="mono", samples=sound.codec_context.frame_size)
        silence.planes[0].update(bytes(2 * silence.samples))
        silence.sample_rate = 8_000
        for _ in range(10 * HOUR * 8_000 // silence.samples):
            silence.pts = None
            target.mux(sound.encode(silence))
        target.mux(sound.encode(None))
    data = bytearray(out.getvalue())
    data[FLAC_TOTAL] = bytes([data[21] & 0xF0, 0, 0, 0, 0])
    return bytes(data)


def silence_in_packets() -> bytes:
    """A day of silence in Opus: the same three bytes, 720,000 times."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="ogg", options={"page_duration": "10000000"}) as target:
        sound = target.add_stream("libopus", rate=48_000, layout="mono")
        assert isinstance(sound, av.AudioStream)
        sound.codec_context.open()
        for number in range(24 * HOUR * 1000 // 120):
            packet = av.Packet(b"\x0b\x06\x00")  # six frames of 20 ms, all of them empty
            packet.stream, packet.time_base = sound, Fraction(1, 48_000)
            packet.pts = packet.dts = number * 5_760
            packet.duration = 5_760
            target.mux(packet)
    return out.getvalue()


def a_length_of_decades() -> bytes:
    """A Matroska file whose header claims 10^9 s."""
    data = encoded("matroska", "libopus")
    at = data.index(b"\x44\x89\x88")  # Duration, a float of eight bytes, in ms
    return data[: at + 3] + struct.pack(">d", 1e12) + data[at + 11 :]


def wav(*, channels: int = 1, rate: int = 16_000, size: int) -> bytes:
    """A WAV of a tenth of a second, whatever its header says."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * 2 % 2**32, channels * 2 % 2**16, 16)
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + form + b"data" + struct.pack("<I", size) + b"\x00\x10" * 1_600


def a_length_beyond_the_file() -> bytes:
    """A WAV of 4 GB, of which three kilobytes came."""
    return wav(size=2**32 - 2)


def thousands_of_streams() -> bytes:
    """An Ogg file in which five thousand streams begin."""
    head = encoded("ogg", "libopus")
    first = head[: head.index(b"OggS", 4)]
    return b"".join(first[:14] + struct.pack("<I", number) + first[18:] for number in range(5_000)) + head


def an_index_of_millions() -> bytes:
    """An MP4 whose table of samples claims two billion entries."""
    data = bytearray(encoded("mp4", "aac"))
    at = data.index(b"stsz") + 4
    data[at + 4 : at + 12] = struct.pack(">II", 1, MILLIONS)
    at = data.index(b"stts") + 4
    data[at + 8 : at + 16] = struct.pack(">II", MILLIONS, 1_024)
    return bytes(data)


def a_picture_on_the_cover() -> bytes:
    """A FLAC with 16 MB of cover art that claims to be 65,500 pixels each way."""
    data = encoded("flac", "flac")
    jpeg = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" + bytes(16_000_000)
    block = (
        struct.pack(">II", 3, 10) + b"image/jpeg" + struct.pack(">IIIIII", 0, 65_500, 65_500, 24, 0, len(jpeg)) + jpeg
    )
    return data[:42] + b"\x06" + len(block).to_bytes(3, "big") + block + data[42:]


def many_channels() -> bytes:
    """A WAV of 65,535 channels at 4 GHz."""
    return wav(channels=65_535, rate=2**32 - 1, size=3_200)


def comments_without_end() -> bytes:
    """An MP3 behind 19 MB of titles."""
    frame = b"TXXX" + struct.pack(">I", 100) + b"\x00\x00" + b"\x03" + b"a" * 99
    tags = frame * (19_000_000 // len(frame))
    size = len(tags)
    safe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + safe + tags + encoded("mp3", "libmp3lame")


def a_film_with_subtitles() -> bytes:
    """A Matroska file with a second of sound, pictures of 4,096 pixels each way, and subtitles."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="matroska") as target:
        picture = target.add_stream("mpeg4", rate=1, width=4_096, height=4_096, pix_fmt="yuv420p")
        titles = target.add_mux_stream("subrip")
        sound = target.add_stream("aac", rate=48_000, layout="mono")
        assert isinstance(picture, av.VideoStream)
        assert isinstance(sound, av.AudioStream)
        for _ in range(10):
            target.mux(picture.encode(av.VideoFrame(4_096, 4_096, "yuv420p")))
        target.mux(picture.encode(None))
        for number in range(1_000):
            packet = av.Packet(b"<font size=9999>" * 100)
            packet.stream, packet.time_base = titles, Fraction(1, 1000)
            packet.pts = packet.dts = packet.duration = number
            target.mux(packet)
        for _ in range(48):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1_024)
            frame.planes[0].update(bytes(4_096))
            frame.sample_rate = 48_000
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    return out.getvalue()


Make: TypeAlias = Callable[[], bytes]
FILES: tuple[Make, ...] = (
    silence_for_hours,
    silence_in_packets,
    a_length_of_decades,
    a_length_beyond_the_file,
    thousands_of_streams,
    an_index_of_millions,
    a_picture_on_the_cover,
    many_channels,
    comments_without_end,
    a_film_with_subtitles,
)


def processes(port: int) -> Iterator[psutil.Process]:
    """The process that listens there, then its decoders."""
    (owner,) = {it.pid for it in psutil.net_connections("tcp") if it.status == "LISTEN" and it.laddr.port == port}
    service = psutil.Process(owner)
    yield from (service, *service.children(recursive=True))


def peak_mb(process: psutil.Process, *, forget: bool = False) -> float:
    """The most memory that it has had, since it was last told to forget; 0 if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        folder = Path(f"/proc/{process.pid}")
        if forget:
            (folder / "clear_refs").write_text("5")
        status = (folder / "status").read_text()
        return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)
    return 0


class Outcome(TypedDict):
    """What became of a file, and of the service."""

    kb: int
    answer: str  # status and code
    seconds: float
    service_mb: float
    decoder_mb: float


def send(url: str, data: bytes) -> Outcome:
    """What becomes of a file, and of the service."""
    port = int(url.rpartition(":")[2])
    most, done = [0.0, 0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            service, *decoders = (peak_mb(process) for process in processes(port))
            most[:] = max(most[0], service), max(most[1], *decoders)

    for process in processes(port):
        peak_mb(process, forget=True)
    watching = threading.Thread(target=watch)
    watching.start()
    began = time.perf_counter()
    try:
        answer = httpx.post(f"{url}/v1/audio/transcriptions", files={"file": data}, timeout=120)
    finally:
        took = time.perf_counter() - began
        done.set()
        watching.join()
    code = answer.json().get("code", "recognised")
    return {
        "kb": round(len(data) / 1000),
        "answer": f"{answer.status_code} {code}",
        "seconds": round(took, 2),
        "service_mb": most[0],
        "decoder_mb": most[1],
    }


def main() -> None:
    """Send all, then a voice; print and write the figures."""
    voice = (ROOT / "demo/voices/en-positive-job.ogg").read_bytes()
    with (Path(os.devnull)).open("w") as log, running(log=log) as urls:
        send(urls.asr, voice)
        figures = {"a_voice_message": send(urls.asr, voice)}
        figures |= {make.__name__: send(urls.asr, make()) for make in FILES}
        figures["a_voice_message_after_them"] = send(urls.asr, voice)
    text = json.dumps(figures, indent=1) + "\n"
    RESULT.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
