"""A minute of real voices, recognised and analysed while the client listens, with the real models."""

import asyncio
import io
import wave
from contextlib import aclosing

import httpx
import numpy as np
import openai
import pytest

from tools.stack import Urls
from voxmood import Analysis, Analyzer, GatewayClient, Progress, Sentence
from voxmood_asr import audio


@pytest.fixture(scope="module")
def minute(voices: dict[str, bytes]) -> bytes:
    """English voices, one after the other, 60 s."""
    parts = [audio.decode(data, 600).pcm for name, data in sorted(voices.items()) if name.startswith("en")]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.RATE)
        file.writeframes(np.resize(np.concatenate(parts), 60 * audio.RATE).tobytes())
    return out.getvalue()


async def metric(url: str, name: str) -> float:
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


async def test_sentences_come_while_the_rest_is_recognised(stack: Urls, minute: bytes) -> None:
    recognised = await metric(stack.asr, "voxmood_audio_seconds_total")
    before: list[Progress | Sentence] = []
    async with GatewayClient(stack.gateway) as client, aclosing(client.stream_audio(minute)) as parts:
        async for part in parts:
            if isinstance(part, Analysis):
                break
            if isinstance(part, Sentence) and not any(isinstance(it, Sentence) for it in before):
                assert await metric(stack.asr, "voxmood_queue_length") == 1
                assert await metric(stack.asr, "voxmood_audio_seconds_total") == recognised
            before.append(part)
        at_once = await client.analyze_audio(minute)
    assert isinstance(part, Analysis)
    assert part.model_dump(exclude={"timings"}) == at_once.model_dump(exclude={"timings"})
    assert [it for it in before if isinstance(it, Sentence)] == part.sentences
    reached = [it.seconds for it in before if isinstance(it, Progress)]
    assert before[0] == Progress(seconds=0, duration=60)
    assert reached == sorted(reached)
    assert reached[-1] == 60


async def test_words_are_weighed_in_the_analysis_alone(stack: Urls, voices: dict[str, bytes]) -> None:
    voice = voices["en-negative-holiday"]
    async with Analyzer(stack.asr, stack.sentiment) as analyzer:
        parts = [part async for part in analyzer.stream_audio(voice, explain=True)]
        at_once = await analyzer.analyze_audio(voice, explain=True)
    analysis = parts[-1]
    assert isinstance(analysis, Analysis)
    assert analysis.model_dump(exclude={"timings"}) == at_once.model_dump(exclude={"timings"})
    assert all(sentence.words for sentence in analysis.sentences)
    plain = [sentence.model_copy(update={"words": None}) for sentence in analysis.sentences]
    assert [part for part in parts if isinstance(part, Sentence)] == plain


async def test_the_openai_client_reads_the_stream(stack: Urls, minute: bytes) -> None:
    async with openai.AsyncOpenAI(base_url=f"{stack.asr}/v1", api_key="none") as client:
        ask = client.audio.transcriptions.create
        whole = await ask(file=("voice.wav", minute), model="whisper-1", response_format="verbose_json")
        stream = await ask(file=("voice.wav", minute), model="whisper-1", stream=True)
        delta, at_work, segments = "", [], []
        async for event in stream:
            if event.type == "transcript.text.delta":
                delta += event.delta
                at_work.append(await metric(stack.asr, "voxmood_queue_length"))
            elif event.type == "transcript.text.segment":
                segments.append((event.start, event.end, event.text))
            else:
                assert event.type == "transcript.text.done"
                assert event.text == delta == whole.text
    assert at_work[:-1] == [1] * (len(at_work) - 1)
    assert len(at_work) > 2
    assert segments == [(segment.start, segment.end, segment.text) for segment in whole.segments or []]


async def test_nobody_works_for_a_listener_who_has_left(stack: Urls, minute: bytes) -> None:
    recognised = await metric(stack.asr, "voxmood_audio_seconds_total")
    for client in (GatewayClient(stack.gateway), Analyzer(stack.asr, stack.sentiment)):
        async with client, aclosing(client.stream_audio(minute)) as parts:
            async for part in parts:
                if isinstance(part, Sentence):
                    break
        async with asyncio.timeout(10):
            while await metric(stack.asr, "voxmood_queue_length"):
                pass
    assert await metric(stack.asr, "voxmood_audio_seconds_total") == recognised, "none was recognised to its end"
