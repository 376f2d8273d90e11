"""Answers in parts, on real servers. The recogniser is a stand-in that says a little each time it is told to, so that
these tests know what has been recognised and what has not; tests/e2e/test_listening.py has the real one."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from httpx_sse import EventSource
from prometheus_client import CollectorRegistry

from tests.conftest import Serve
from tests.contract.test_asr_queue import post, until_queued
from tests.contract.test_client import server
from tests.relay import Relay
from tools.stack import Urls
from voxmood import Analysis, Analyzer, BadAnswer, GatewayClient, Progress, Sentence, Unavailable
from voxmood_asr.app import create_app as asr_app
from voxmood_asr.audio import Clip
from voxmood_asr.engine import Request as Wish
from voxmood_asr.settings import Settings as AsrSettings
from voxmood_asr.transcript import Segment, Transcript
from voxmood_gateway.app import create_app as gateway_app
from voxmood_gateway.settings import Settings as GatewaySettings
from voxmood_service import Turns, event, event_stream, events

VOICE = "en-positive-job"
TEXTS = ("I came home. The door", "was open. Who", "was it?")
SENTENCES = ["I came home.", "The door was open.", "Who was it?"]
PRIVATE = "my sister's diary"
STREAM = {"Accept": "text/event-stream"}


class Speaker:
    """A recogniser that says one of TEXTS after each `go.release()`, and fails if `fails` is set by then.

    It waits for that in one step, or with `patience` (seconds) in as many as it takes.
    """

    patience: float | None = None

    def __init__(self) -> None:
        self.go, self.fails, self.left = threading.Semaphore(0), False, threading.Event()

    def load(self) -> None:
        pass

    def steps(self, clip: Clip, request: Wish) -> Generator[Transcript, None, Transcript]:
        segments: list[Segment] = []
        try:
            for index, text in enumerate(TEXTS):
                so_far = Transcript(list(segments), "en", 1.0, clip.seconds, [], reached=float(index))
                yield so_far
                while not self.go.acquire(timeout=self.patience):
                    yield so_far
                if self.fails:
                    raise RuntimeError(PRIVATE)
                segments.append(Segment(text, index, index + 1, [], 0, 0, 1, 0, []))
        except GeneratorExit:
            self.left.set()
            raise
        return Transcript(segments, "en", 1.0, clip.seconds, [], reached=clip.seconds)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    engine = Speaker()
    yield engine
    engine.go.release(100)


@contextmanager
def chain(serve: Serve, speaker: Speaker, queue: int = 16, **settings: Any) -> Iterator[Urls]:
    """All services, with the stand-in and a sentiment service that always says the same."""
    asr, loading = asr_app(AsrSettings(asr_workers=1, asr_queue=queue), speaker)
    with serve(asr) as asr_url, serve(server()) as sentiment_url:
        while not loading.ready:
            httpx.get(f"{asr_url}/readyz")
        gateway, _ = gateway_app(GatewaySettings(**{"asr_url": asr_url, "sentiment_url": sentiment_url, **settings}))
        with serve(gateway) as url:
            yield Urls(asr=asr_url, sentiment=sentiment_url, gateway=url)


@pytest.fixture
def urls(serve: Serve, speaker: Speaker) -> Iterator[Urls]:
    with chain(serve, speaker) as urls:
        yield urls


def client_of(urls: Urls, kind: type[Analyzer] | type[GatewayClient]) -> Analyzer | GatewayClient:
    return Analyzer(urls.asr, urls.sentiment) if kind is Analyzer else GatewayClient(urls.gateway)


Part = Progress | Sentence | Analysis


async def until_sentence(parts: AsyncIterator[Part]) -> Sentence:
    async for part in parts:
        if isinstance(part, Sentence):
            return part
    raise AssertionError("no sentence")


@pytest.mark.parametrize("kind", [Analyzer, GatewayClient])
async def test_a_sentence_comes_before_the_next_is_said(
    urls: Urls, speaker: Speaker, voices: dict[str, bytes], kind: type[Analyzer] | type[GatewayClient]
) -> None:
    async with client_of(urls, kind) as client, aclosing(client.stream_audio(voices[VOICE])) as parts:
        beginning = await anext(parts)
        assert isinstance(beginning, Progress)
        assert (beginning.seconds, round(beginning.duration)) == (0, 8)
        speaker.go.release()
        first = await until_sentence(parts)
        assert (first.text, first.start, first.words) == (SENTENCES[0], 0, None)
        await until_queued(urls.asr, 1)
        speaker.go.release(2)
        *between, analysis = [part async for part in parts]
        speaker.go.release(3)
        assert isinstance(analysis, Analysis)
        assert [sentence.text for sentence in analysis.sentences] == SENTENCES
        assert analysis.sentences == [first, *(part for part in between if isinstance(part, Sentence))]
        assert [part.seconds for part in between if isinstance(part, Progress)] == [2, beginning.duration]
        at_once = await client.analyze_audio(voices[VOICE])
    assert at_once.model_dump(exclude={"timings"}) == analysis.model_dump(exclude={"timings"})
    await until_queued(urls.asr, 0)


@pytest.mark.parametrize("kind", [Analyzer, GatewayClient])
async def test_a_client_that_hangs_up_amid_a_stream_frees_its_place(
    urls: Urls, speaker: Speaker, voices: dict[str, bytes], kind: type[Analyzer] | type[GatewayClient]
) -> None:
    speaker.patience = 0.01
    async with client_of(urls, kind) as client:
        async with aclosing(client.stream_audio(voices[VOICE])) as parts:
            speaker.go.release()
            await until_sentence(parts)
        await until_queued(urls.asr, 0)
        assert speaker.left.is_set()
        speaker.go.release(3)
        assert (await client.analyze_audio(voices[VOICE])).transcript == " ".join(TEXTS)


async def test_others_take_turns_with_a_stream(urls: Urls, speaker: Speaker, voices: dict[str, bytes]) -> None:
    async with Analyzer(urls.asr, urls.sentiment) as client, aclosing(client.stream_audio(voices[VOICE])) as parts:
        speaker.go.release()
        await until_sentence(parts)
        other = asyncio.ensure_future(post(urls.asr, voices[VOICE]))
        await until_queued(urls.asr, 2)
        speaker.go.release(2)
        assert [type(part) for part in [part async for part in parts]][-1] is Analysis
        assert not other.done()
        speaker.go.release(3)
        assert (await other).status_code == 200


async def test_a_failure_amid_a_stream_is_its_last_event(
    urls: Urls, speaker: Speaker, voices: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    speaker.fails = True
    speaker.go.release(3)
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            f"{urls.gateway}/analyze",
            files={"audio": voices[VOICE]},
            headers={**STREAM, "X-Request-ID": "mine"},
        )
    assert answer.status_code == 200
    *_, (name, problem) = sent(answer.text)
    assert (name, problem["status"], problem["code"], problem["request_id"]) == ("error", 502, "bad_answer", "mine")
    with openai.OpenAI(base_url=f"{urls.asr}/v1", api_key="none") as plain, pytest.raises(openai.APIError) as failed:
        list(await asyncio.to_thread(plain.audio.transcriptions.create, file=voices[VOICE], model="x", stream=True))
    assert failed.value.code == "internal_error"
    async with GatewayClient(urls.gateway) as gateway:
        with pytest.raises(BadAnswer):
            [part async for part in gateway.stream_audio(voices[VOICE])]
    assert "unforeseen RuntimeError" in caplog.text
    assert PRIVATE not in answer.text + str(failed.value) + caplog.text
    await until_queued(urls.asr, 0)


def sent(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a whole answer."""
    answer = httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})
    return [(it.event, json.loads(it.data)) for it in EventSource(answer).iter_sse()]


async def test_a_recogniser_that_is_lost_amid_a_stream_is_said(
    serve: Serve, speaker: Speaker, voices: dict[str, bytes], urls: Urls
) -> None:
    async with Relay(urls.asr) as relay:
        with chain(serve, speaker, asr_url=relay.url) as behind:
            async with GatewayClient(behind.gateway) as client, aclosing(client.stream_audio(voices[VOICE])) as parts:
                speaker.go.release()
                await until_sentence(parts)
                relay.close()
                with pytest.raises(Unavailable, match="broke off"):
                    [part async for part in parts]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": {"audio": b"this is no audio" * 99}}, 415, "not_audio"),
        ({"files": {"audio": b""}}, 400, "unreadable_audio"),
        ({"data": {"text": ""}}, 422, "invalid_request"),
        ({"data": {"text": "x" * 20_001}}, 413, "too_large"),
        ({"content": b"x"}, 415, "not_supported"),
    ],
)
def test_what_can_be_refused_is_refused_before_the_stream(
    urls: Urls, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = httpx.post(f"{urls.gateway}/analyze", headers=STREAM, timeout=30, **request_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_full_queue_is_said_before_the_stream(serve: Serve, speaker: Speaker, voices: dict[str, bytes]) -> None:
    with chain(serve, speaker, queue=0) as urls:
        async with GatewayClient(urls.gateway) as client, aclosing(client.stream_audio(voices[VOICE])) as parts:
            await anext(parts)
            async with httpx.AsyncClient(timeout=30) as other:
                answer = await other.post(f"{urls.gateway}/analyze", files={"audio": voices[VOICE]}, headers=STREAM)
            assert (answer.status_code, answer.json()["code"]) == (429, "busy")
            assert int(answer.headers["retry-after"]) > 0
            speaker.go.release(3)
            await until_sentence(parts)


def test_a_text_is_streamed_too_and_counted_once(urls: Urls) -> None:
    answer = httpx.post(f"{urls.gateway}/analyze", json={"text": "It was fine. It is."}, headers=STREAM, timeout=30)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-content-type-options"] == "nosniff"
    *sentences, (name, analysis) = sent(answer.text)
    assert [kind for kind, _ in sentences] == ["sentence", "sentence"]
    assert (name, analysis["sentences"]) == ("analysis", [sentence for _, sentence in sentences])
    metrics = httpx.get(f"{urls.gateway}/metrics").text
    assert [line for line in metrics.splitlines() if line.startswith("voxmood_analyses_total")] == [
        'voxmood_analyses_total{verdict="negative"} 1.0'
    ]


def test_a_stream_of_subtitles_is_refused(urls: Urls, voices: dict[str, bytes]) -> None:
    for form in ("text", "srt", "vtt"):
        answer = httpx.post(
            f"{urls.asr}/v1/audio/transcriptions",
            data={"model": "x", "response_format": form, "stream": "true"},
            files={"file": voices[VOICE]},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert "stream" in answer.json()["detail"]


def test_the_documentation_tells_of_the_stream(urls: Urls) -> None:
    answers = httpx.get(f"{urls.gateway}/openapi.json").json()["paths"]["/analyze"]["post"]["responses"]
    assert set(answers["200"]["content"]) == {"application/json", "text/event-stream"}


async def test_a_server_that_does_not_stream_gives_its_sentences_at_the_end(serve: Serve) -> None:
    with serve(server()) as url:
        async with Analyzer(url, url) as analyzer:
            *sentences, analysis = [part async for part in analyzer.stream_audio(b"sound")]
            assert isinstance(analysis, Analysis)
            assert sentences == analysis.sentences
            assert [sentence.text for sentence in analysis.sentences] == ["It was fine.", "Then it broke."]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ([{"type": "transcript.text.done", "text": "It was."}], None),
        ([], BadAnswer),
        ([{"error": {"message": "full"}}], BadAnswer),
        ([["nonsense"]], BadAnswer),
    ],
)
async def test_the_streams_of_other_servers(serve: Serve, end: list[Any], error: type[Exception] | None) -> None:
    lines = [{"type": "transcript.text.delta", "delta": "It "}, *end]

    asked = []

    async def transcribe(_: Request) -> Response:
        asked.append(1)
        if len(asked) == 1:
            return Response(status_code=503, headers={"Retry-After": "0"})
        return StreamingResponse((event(line) for line in lines), media_type="text/event-stream")

    with serve(server(transcribe)) as url:
        async with Analyzer(url, url) as analyzer:
            if error:
                with pytest.raises(error):
                    [part async for part in analyzer.stream_audio(b"sound")]
            else:
                sentence, analysis = [part async for part in analyzer.stream_audio(b"sound")]
                assert isinstance(sentence, Sentence)
                assert isinstance(analysis, Analysis)
                assert sentence.text == analysis.transcript == "It was."
    assert len(asked) == 2, "what has not begun is tried again, what has begun is not"


async def test_a_stream_is_kept_alive_while_nothing_is_said(
    urls: Urls, speaker: Speaker, voices: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.05)
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{urls.gateway}/analyze", files={"audio": voices[VOICE]}, headers=STREAM) as answer,
    ):
        lines = answer.aiter_lines()
        async for line in lines:
            if line.startswith(":"):
                break
        speaker.go.release(3)
        assert [line async for line in lines if line.startswith("event")][-1] == "event: analysis"


async def test_an_answer_that_is_never_sent_keeps_no_place() -> None:
    """Its client may leave between the first event and the answer: no server iterates it then."""
    turns, done = Turns(0, CollectorRegistry()), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    def work() -> Generator[int, None, int]:
        yield 1
        return 2

    async def numbers() -> AsyncIterator[bytes]:
        async for number in turns.steps(work()):
            yield event(number)
        done.set()

    request = Request({"type": "http", "app": FastAPI()}, receive)
    await event_stream(request, numbers(), event)
    async with asyncio.timeout(10):
        await done.wait()
    assert turns.taken == 0
