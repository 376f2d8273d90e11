"""Recognition over HTTP with the real model: the OpenAI contract, every container, every kind of broken file."""

import io

import av
import httpx
import numpy as np
import openai
import pytest
from jiwer import wer
from whisper_normalizer.basic import BasicTextNormalizer

from tests.conftest import Transcode
from tools.stack import Urls

JOB = "en-positive-job"
normalise = BasicTextNormalizer()


def transcribe(url: str, data: bytes, **fields: object) -> httpx.Response:
    form = {"model": "whisper-1", "response_format": "verbose_json", **fields}
    return httpx.post(f"{url}/v1/audio/transcriptions", data=form, files={"file": data}, timeout=60)


@pytest.mark.parametrize("name", ["en-positive-job", "en-neutral-keys", "ru-positive-concert", "ru-negative-evening"])
def test_words_and_language_of_a_voice_message_are_recognised(
    stack: Urls, voices: dict[str, bytes], said: dict[str, dict[str, str]], name: str
) -> None:
    heard = transcribe(stack.asr, voices[name]).json()
    assert wer(normalise(said[name]["text"]), normalise(heard["text"])) <= 0.1
    assert heard["language"] == said[name]["lang"]
    assert heard["language_probability"] > 0.5
    assert heard["warnings"] == []


def test_the_openai_client_works_unchanged(stack: Urls, voices: dict[str, bytes]) -> None:
    with openai.OpenAI(base_url=f"{stack.asr}/v1", api_key="none") as client:
        assert [model.id for model in client.models.list()] == ["whisper-base"]
        file = ("voice.ogg", voices[JOB])
        plain = client.audio.transcriptions.create(file=file, model="whisper-1")
        assert "job" in plain.text
        verbose = client.audio.transcriptions.create(
            file=file, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word", "segment"]
        )
        assert verbose.segments
        assert verbose.segments[0].start < verbose.segments[-1].end <= verbose.duration
        assert verbose.words
        assert "job" in [word.word.strip(".,!?") for word in verbose.words]
        starts = [word.start for word in verbose.words]
        assert starts == sorted(starts)
        with pytest.raises(openai.UnprocessableEntityError):
            client.audio.transcriptions.create(file=file, model="whisper-1", language="xx")
        with pytest.raises(openai.APIStatusError) as unknown:
            client.audio.transcriptions.create(file=("a.ogg", b"this is no audio"), model="whisper-1")
        assert unknown.value.status_code == 415


def test_text_forms(stack: Urls, voices: dict[str, bytes]) -> None:
    text = transcribe(stack.asr, voices[JOB], response_format="text")
    assert text.headers["content-type"].startswith("text/plain")
    assert "job" in text.text
    srt = transcribe(stack.asr, voices[JOB], response_format="srt").text
    number, times, words = srt.split("\n")[:3]
    assert number == "1"
    assert times.count(",") == 2
    assert " --> " in times
    assert words
    vtt = transcribe(stack.asr, voices[JOB], response_format="vtt").text
    assert vtt.startswith("WEBVTT\n\n00:00:0")


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("ogg", "libopus", 48_000),
        ("ogg", "flac", 44_100),
        ("mp3", "libmp3lame", 44_100),
        ("ipod", "aac", 44_100),
        ("wav", "pcm_s16le", 8_000),
        ("flac", "flac", 16_000),
        ("webm", "libopus", 48_000),
        ("mp4", "aac", 48_000),
        ("adts", "aac", 44_100),
        ("matroska", "flac", 48_000),
    ],
)
def test_every_container_and_codec(
    stack: Urls, voices: dict[str, bytes], transcode: Transcode, container: str, codec: str, rate: int
) -> None:
    data = transcode(voices[JOB], container, codec, rate=rate, video=container == "mp4")
    heard = transcribe(stack.asr, data).json()
    assert "job" in heard["text"]
    assert "truncated" not in heard["warnings"]


def wav(samples: np.ndarray) -> bytes:
    """A WAV of samples in [-1, 1] at 16 kHz."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[np.newaxis], layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_silence_and_noise_are_no_speech(stack: Urls) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16_000 * 10).clip(-1, 1)
    hum = 0.2 * np.sin(np.arange(16_000 * 5) * 2 * np.pi * 50 / 16_000)
    for sound in (np.zeros(80_000), noise, noise * 0.01, hum):
        answer = transcribe(stack.asr, wav(sound))
        assert answer.status_code == 200
        heard = answer.json()
        assert (heard["text"], heard["no_speech"], heard["segments"]) == ("", True, [])


def test_quiet_speech_is_heard(stack: Urls, voices: dict[str, bytes]) -> None:
    with av.open(io.BytesIO(voices[JOB]), mode="r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        pieces = [out.to_ndarray()[0] for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    quiet = np.concatenate(pieces) / 32768 * 0.01  # -40 dB
    assert "job" in transcribe(stack.asr, wav(quiet)).json()["text"]


def refusals(voice: bytes, transcode: Transcode) -> dict[str, tuple[bytes, int, str]]:
    silent_film = io.BytesIO()
    with av.open(silent_film, mode="w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    m4a = transcode(voice, "ipod", "aac")  # its index is at the end
    return {
        "empty": (b"", 400, "unreadable_audio"),
        "text": (b"just a few words, no sound" * 50, 415, "not_audio"),
        "random": (np.random.default_rng(2).bytes(20_000), 415, "not_audio"),
        "no sound": (silent_film.getvalue(), 415, "not_audio"),
        "header only": (wav(np.zeros(16))[:44], 400, "unreadable_audio"),
        "cut head": (voice[:300], 400, "unreadable_audio"),
        "cut tail": (m4a[: len(m4a) // 2], 400, "unreadable_audio"),
        "no head": (voice[3_000:], 400, "unreadable_audio"),
        "too long": (wav(np.zeros(601 * 16_000)), 413, "too_long"),
    }


def test_unusable_files_are_refused_with_a_reason(stack: Urls, voices: dict[str, bytes], transcode: Transcode) -> None:
    for name, (data, status, code) in refusals(voices[JOB], transcode).items():
        answer = transcribe(stack.asr, data)
        assert (answer.status_code, answer.json()["code"]) == (status, code), name
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_too_large_is_refused(stack: Urls) -> None:
    answer = transcribe(stack.asr, bytes(20_200_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_length_is_checked_where_no_container_declares_it(stack: Urls, transcode: Transcode) -> None:
    recorded_by_a_browser = io.BytesIO()
    with av.open(recorded_by_a_browser, mode="w", format="webm", options={"live": "1"}) as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        for second in range(605):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48_000, second * 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    answer = transcribe(stack.asr, recorded_by_a_browser.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_long")


def test_what_is_missing_of_a_file_is_said(stack: Urls, voices: dict[str, bytes], transcode: Transcode) -> None:
    voice = voices["en-neutral-keys"]
    holed = voice[: len(voice) // 2] + bytes(8_000) + voice[len(voice) // 2 + 8_000 :]
    whole = transcode(voice, "wav", "pcm_s16le", rate=16_000)
    for data in (voice[: len(voice) * 2 // 3], holed, whole[: len(whole) // 2]):
        heard = transcribe(stack.asr, data).json()
        assert heard["text"]
        assert "truncated" in heard["warnings"]


def test_health_metrics_and_docs(stack: Urls) -> None:
    for url in (stack.asr, stack.sentiment, stack.gateway):
        assert httpx.get(f"{url}/livez").json() == {"status": "alive"}
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
        assert "http_request_duration_seconds" in httpx.get(f"{url}/metrics").text
        page = httpx.get(f"{url}/docs").text
        assert "http://" not in page
        assert "https://" not in page, "the page must work without the internet"
        assert httpx.get(f"{url}/nowhere").json()["code"] == "not_found"
    assert "voxmood_audio_seconds_total" in httpx.get(f"{stack.asr}/metrics").text
