"""The whole chain over HTTP, with the real models: what curl gets from POST /analyze."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from tools.stack import Urls, running

CLEAR = {
    "en-negative-birthday": "negative",
    "en-positive-job": "positive",
    "ru-positive-concert": "positive",
    "ru-negative-phone": "negative",
}


def analyze(urls: Urls, **request: object) -> httpx.Response:
    return httpx.post(f"{urls.gateway}/analyze", timeout=60, **request)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "mood"), CLEAR.items())
def test_a_voice_message_gets_its_mood(
    stack: Urls, voices: dict[str, bytes], said: dict[str, dict[str, str]], name: str, mood: str
) -> None:
    answer = analyze(stack, files={"audio": voices[name]})
    assert answer.status_code == 200
    analysis = answer.json()
    assert analysis["verdict"] == mood
    assert analysis["language"] == said[name]["lang"]
    assert analysis["confidence"] == max(analysis["scores"].values())
    assert sum(analysis["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert analysis["score"] == pytest.approx(analysis["scores"]["positive"] - analysis["scores"]["negative"], abs=1e-3)
    assert (analysis["no_speech"], analysis["truncated"], analysis["warnings"]) == (False, False, [])
    assert analysis["models"]["asr"] == "whisper-base"
    assert analysis["timings"]["asr"] > 0
    ends = [time for sentence in analysis["sentences"] for time in (sentence["start"], sentence["end"])]
    assert ends == sorted(ends)
    assert ends[-1] <= analysis["duration"] + 0.1


def test_the_turn_of_a_mood_is_that_of_the_sentences(stack: Urls, voices: dict[str, bytes]) -> None:
    analysis = analyze(stack, files={"audio": voices["en-negative-holiday"]}).json()
    sentences, turn = analysis["sentences"], analysis["turn"]
    assert len(sentences) >= 6
    assert (sentences[0]["verdict"], sentences[-1]["verdict"], turn["verdict"]) == ("positive", "negative", "negative")
    assert turn["start"] in [sentence["start"] for sentence in sentences[1:]]


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"text": "I am so glad you came. It was wonderful."}},
        {"data": {"text": "I am so glad you came. It was wonderful."}},
        {"files": {"text": (None, "I am so glad you came. It was wonderful.")}},
    ],
    ids=["json", "urlencoded", "multipart"],
)
def test_text_in_three_forms(stack: Urls, body: dict[str, object]) -> None:
    analysis = analyze(stack, **body).json()
    assert (analysis["verdict"], analysis["language"], analysis["duration"]) == ("positive", "en", None)
    assert [sentence["text"] for sentence in analysis["sentences"]] == ["I am so glad you came.", "It was wonderful."]
    assert analysis["transcript"] == "I am so glad you came. It was wonderful."


def test_russian_text(stack: Urls) -> None:
    analysis = analyze(stack, json={"text": "Это просто ужасно, я очень расстроен и больше не приду."}).json()
    assert (analysis["verdict"], analysis["language"]) == ("negative", "ru")


def test_explain_weighs_the_words(stack: Urls) -> None:
    analysis = analyze(stack, json={"text": "The food was terrible.", "explain": True}).json()
    weights = {word["text"].strip("."): word["weight"] for word in analysis["sentences"][0]["words"]}
    assert max(weights, key=lambda word: weights[word]) == "terrible"


def test_the_end_of_a_long_text_counts(stack: Urls) -> None:
    dull = "The office opens at nine and closes at five. " * 150
    bitter = "I hate it, it is the worst day of my life, I am furious. " * 150
    assert analyze(stack, json={"text": dull}).json()["verdict"] != "negative"
    assert analyze(stack, json={"text": dull + bitter}).json()["verdict"] == "negative"


def test_silence_is_no_error(stack: Urls) -> None:
    silence = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\xff"
    analysis = analyze(stack, files={"audio": silence + bytes(64_000)}).json()
    assert (analysis["verdict"], analysis["scores"], analysis["no_speech"]) == (None, None, True)
    assert (analysis["transcript"], analysis["sentences"]) == ("", [])
    assert analysis["duration"] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": {"audio": b""}}, 400, "unreadable_audio"),
        ({"files": {"audio": b"no sound at all"}}, 415, "not_audio"),
        ({"files": {"audio": bytes(21_000_000)}}, 413, "too_large"),
        ({"json": {"text": "a" * 20_001}}, 413, "too_large"),
        ({"json": {"text": "  "}}, 422, "invalid_request"),
        ({"json": {}}, 422, "invalid_request"),
        ({"json": {"text": "a", "colour": "red"}}, 422, "invalid_request"),
        ({"json": {"text": "a", "language": "klingon"}}, 422, "invalid_request"),
        ({"json": ["a"]}, 422, "invalid_request"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "invalid_request"),
        ({"content": b'{"text": "\\ud800"}', "headers": {"content-type": "application/json"}}, 422, "invalid_request"),
        ({"data": {"audio": "message.ogg"}}, 422, "invalid_request"),
        ({"content": b"hello", "headers": {"content-type": "text/plain"}}, 415, "not_supported"),
        ({}, 415, "not_supported"),
    ],
)
def test_wrong_requests_are_explained(stack: Urls, request_: dict[str, object], status: int, code: str) -> None:
    answer = analyze(stack, **request_)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_both_audio_and_text_is_refused(stack: Urls, voices: dict[str, bytes]) -> None:
    answer = analyze(stack, files={"audio": voices["en-positive-job"]}, data={"text": "hello"})
    assert answer.status_code == 422


def test_one_request_id_goes_through_all_services_and_nothing_private_is_logged(
    stack: Urls, stack_log: Path, voices: dict[str, bytes], said: dict[str, dict[str, str]]
) -> None:
    name = "one-id-for-all-42"
    headers = {"X-Request-ID": name}
    answer = analyze(stack, files={"audio": ("mum-in-hospital.ogg", voices["en-negative-birthday"])}, headers=headers)
    assert answer.headers["x-request-id"] == name
    analyze(stack, json={"text": "a marked text: zanzibar"}, headers=headers)
    log = stack_log.read_text()
    for service in ("asr", "sentiment", "gateway"):
        assert any(name in line and line.split(" ")[1].startswith(service) for line in log.splitlines()), service
    for private in ("birthday again", "upset", "zanzibar", "mum-in-hospital"):
        assert private not in log


def test_no_secret_text_or_name_is_in_any_output(tmp_path: Path, voices: dict[str, bytes]) -> None:
    secrets = ["key-of-anna-zanzibar", "key-of-asr-zanzibar", "redis-zanzibar", "wrong-zanzibar"]
    env = {
        "VOXMOOD_LOG_LEVEL": "DEBUG",
        "VOXMOOD_API_KEYS": f"anna:{hashlib.sha256(secrets[0].encode()).hexdigest()}",
        "VOXMOOD_ASR_KEY": secrets[1],
        "VOXMOOD_RATE_LIMIT": "100/minute",
        "VOXMOOD_REDIS_URL": f"redis://:{secrets[2]}@127.0.0.1:1",
    }
    allowed = {"Authorization": f"Bearer {secrets[0]}"}
    with (tmp_path / "log").open("w") as log, running(env=env, log=log) as urls:
        voice = {"audio": ("zanzibar.ogg", voices["en-negative-birthday"])}
        assert analyze(urls, files=voice, headers=allowed, params={"for": "zanzibar"}).status_code == 200
        assert analyze(urls, json={"text": "I love zanzibar."}, headers=allowed).status_code == 200
        assert analyze(urls, files={"audio": ("zanzibar.ogg", b"zanzibar")}, headers=allowed).status_code == 415
        assert analyze(urls, json={"text": "a", "language": "zanzibar"}, headers=allowed).status_code == 422
        assert analyze(urls, json={"text": "a"}, headers={"Authorization": f"Bearer {secrets[3]}"}).status_code == 401
        printed = [httpx.get(f"{url}/metrics").text for url in (urls.asr, urls.sentiment, urls.gateway)]
    printed.append((tmp_path / "log").read_text())
    assert "POST /analyze 200" in printed[-1]
    for private in ("zanzibar", "birthday again", "127.0.0.1:1/"):
        assert private not in "".join(printed).lower()


def test_the_schema_describes_the_answer(stack: Urls) -> None:
    schema = httpx.get(f"{stack.gateway}/openapi.json").json()
    operation = schema["paths"]["/analyze"]["post"]
    assert set(operation["requestBody"]["content"]) >= {"multipart/form-data", "application/json"}
    assert {"200", "400", "401", "413", "415", "422", "429", "502", "503", "504"} <= set(operation["responses"])
    assert "problem+json" in json.dumps(operation["responses"]["503"])
