"""The sentiment service over real HTTP, with the model that ships."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from voxmood_sentiment.app import create_app
from voxmood_sentiment.classifier import Classifier, Floats, Ids, open_classifier
from voxmood_sentiment.scoring import Scorer, softmax
from voxmood_sentiment.settings import SHIPPED, Settings
from voxmood_service.problems import HungUp

SETTINGS = Settings(sentiment_model=str(SHIPPED), max_characters=5000, max_total_characters=20_000, max_texts=40)
GLAD = "Thank you so much, this is wonderful, I am really happy!"
ANGRY = "This is awful, they ruined everything and I am furious."


@contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the app, served by uvicorn on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    server.should_exit = True
    thread.join()


def wait_until_ready(client: httpx.Client) -> None:
    while client.get("/readyz").status_code == 503:
        threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return open_classifier(str(SHIPPED), threads=1)


@pytest.fixture(scope="module")
def client(classifier: Classifier) -> Iterator[httpx.Client]:
    app, _ = create_app(SETTINGS, classifier)
    with running(app) as http:
        wait_until_ready(http)
        yield http


def classify(client: httpx.Client, *texts: str, **options: Any) -> list[dict[str, Any]]:
    response = client.post("/classify", json={"texts": texts, **options})
    assert response.status_code == 200, response.text
    assert response.json()["model"] == "voxmood-1"
    results: list[dict[str, Any]] = response.json()["results"]
    return results


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (GLAD, "positive"),
        (ANGRY, "negative"),
        ("The train leaves at ten from platform four.", "neutral"),
        ("Спасибо огромное, это просто чудесно, я так рада!", "positive"),
        ("Это ужасно, они всё испортили, я в бешенстве.", "negative"),
        ("Поезд отходит в десять с четвёртого пути.", "neutral"),
    ],
)
def test_verdicts_in_both_languages(client: httpx.Client, text: str, verdict: str) -> None:
    (result,) = classify(client, text)
    assert result["verdict"] == verdict
    assert result["confidence"] == result["scores"][verdict] == max(result["scores"].values())
    assert result["score"] == pytest.approx(result["scores"]["positive"] - result["scores"]["negative"], abs=1e-4)
    assert sum(result["scores"].values()) == pytest.approx(1, abs=2e-4)
    assert result["windows"] == 1
    assert result["words"] is None


def test_many_texts_keep_their_order_and_do_not_change_each_other(client: httpx.Client) -> None:
    texts = [GLAD, ANGRY, "ok", GLAD * 20, "Ну такое."] * 8
    together = classify(client, *texts)
    for text, result in zip(texts[:5], together[:5], strict=True):
        (alone,) = classify(client, text)
        assert alone["score"] == pytest.approx(result["score"], abs=0.002)
    assert [result["verdict"] for result in together[:2]] == ["positive", "negative"]


@pytest.mark.parametrize("filler", ["We walked to the office and then we had lunch. ", "мы шли дальше по улице и вот "])
def test_long_text_is_read_to_its_end(client: httpx.Client, filler: str) -> None:
    calm, upset = classify(client, filler * 35, filler * 35 + ANGRY * 45)
    assert calm["windows"] >= 2
    assert upset["windows"] > calm["windows"]
    assert upset["verdict"] == "negative"
    assert upset["score"] < calm["score"] - 0.2


def test_explain_weighs_each_word(client: httpx.Client) -> None:
    text = "Well, the «hotel» was absolutely terrible 😡, we left."
    (result,) = classify(client, text, explain=True)
    words = result["words"]
    assert [word["text"] for word in words] == [
        "Well",
        "the",
        "hotel",
        "was",
        "absolutely",
        "terrible",
        "😡",
        "we",
        "left",
    ]
    assert all(text[word["start"] : word["end"]] == word["text"] for word in words)
    assert max(words, key=lambda word: word["weight"])["text"] in {"terrible", "😡"}
    without = text.replace("terrible", "")
    (left_out,) = classify(client, without)
    drop = result["scores"]["negative"] - left_out["scores"]["negative"]
    assert next(word["weight"] for word in words if word["text"] == "terrible") == pytest.approx(drop, abs=0.02)


def test_what_is_too_long_to_explain_is_still_judged(client: httpx.Client) -> None:
    short, long, last = classify(
        client, "This is awful.", "Отвратительно, просто ужас. " * 40, "So nice.", explain=True
    )
    assert (short["verdict"], long["verdict"], last["verdict"]) == ("negative", "negative", "positive")
    assert long["words"] is None
    assert [word["text"] for word in short["words"] + last["words"]] == ["This", "is", "awful", "So", "nice"]


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        ({"texts": []}, 422, "invalid_request", "body.texts"),
        ({"texts": "text"}, 422, "invalid_request", "body.texts"),
        ({"texts": [1]}, 422, "invalid_request", "body.texts.0"),
        ({}, 422, "invalid_request", "body.texts"),
        ({"texts": ["fine"], "explian": True}, 422, "invalid_request", "body.explian"),
        ({"texts": ["fine", " \n "]}, 422, "invalid_request", "text 1 "),
        ({"texts": ["fine", "fine", "\u200b"]}, 422, "invalid_request", "text 2 "),
        ({"texts": ["fine"] * 41}, 422, "invalid_request", "at most 40"),
        ({"texts": ["fine", "a" * 5001]}, 413, "too_long", "text 1 "),
        ({"texts": ["a" * 4900] * 5}, 413, "too_long", "at most 20000"),
        (b"no json", 422, "invalid_request", "JSON"),
        (b"\xff\xfe\x00", 400, "bad_request", "body"),
        (b"[" * 50_000, 400, "bad_request", "body"),
    ],
)
@pytest.mark.parametrize("path", ["/classify"])
def test_wrong_requests_are_refused(
    client: httpx.Client, path: str, body: object, status: int, code: str, detail: str
) -> None:
    response = post(client, path, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert detail in response.json()["detail"]


def post(client: httpx.Client, path: str, body: object) -> httpx.Response:
    if isinstance(body, bytes):
        return client.post(path, content=body, headers={"content-type": "application/json"})
    return client.post(path, json=body)


@pytest.mark.parametrize("text", ["half \ud83d of a pair", "a\x00b", "e\u0301\u202e", "\U0010ffff", "ﷺ", "👩‍👩‍👧", "?"])
def test_odd_unicode_is_read(client: httpx.Client, text: str) -> None:
    escaped = "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"))
    for path, member in (("/classify", "texts"), ("/predict", "inputs")):
        raw = f'{{"{member}": ["{escaped}"]}}'.encode()
        assert post(client, path, raw).status_code == 200
    assert classify(client, text.encode("utf-8", "replace").decode(), explain=True)


def test_texts_stay_out_of_errors_metrics_and_logs(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        answers = [
            client.post("/classify", json={"texts": ["zanzibar", ""]}),
            client.post("/classify", json={"texts": ["fine"], "zanzi": "zanzibar"}),
            client.post("/classify", json={"texts": ["zanzibar" * 1000]}),
            client.post("/predict", json={"inputs": {"zanzi": "zanzibar"}}),
            client.get("/metrics"),
        ]
        classify(client, "zanzibar")
    assert not any("zanzibar" in answer.text for answer in answers)
    assert "zanzibar" not in caplog.text


def test_metrics_count_texts_and_verdicts(client: httpx.Client) -> None:
    def count(name: str) -> float:
        return next(
            float(line.split()[-1]) for line in client.get("/metrics").text.splitlines() if line.startswith(name)
        )

    classify(client, GLAD)
    texts, glad = count("voxmood_texts_total"), count('voxmood_verdicts_total{verdict="positive"}')
    classify(client, GLAD, ANGRY)
    assert count("voxmood_texts_total") == texts + 2
    assert count('voxmood_verdicts_total{verdict="positive"}') == glad + 1
    assert count("voxmood_tokens_total") > 0


def predict(client: httpx.Client, inputs: object, **options: Any) -> Any:
    response = client.post("/predict", json={"inputs": inputs, **options})
    assert response.status_code == 200, response.text
    return response.json()


def test_predict_gives_all_labels_highest_first(client: httpx.Client) -> None:
    answer = predict(client, GLAD)
    assert [set(prediction) for prediction in answer] == [{"score", "label"}] * 3
    assert answer[0]["label"] == "positive"
    scores = [prediction["score"] for prediction in answer]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    (result,) = classify(client, GLAD)
    assert scores[0] == pytest.approx(result["confidence"], abs=1e-3)


def test_predict_takes_every_form_of_inputs(client: httpx.Client) -> None:
    assert predict(client, [GLAD]) == predict(client, GLAD)
    pair = predict(client, ["I waited for an hour.", ANGRY])
    assert pair[0]["label"] == "negative"
    batch = predict(client, [[GLAD], ["I waited for an hour.", ANGRY]])
    assert [answer[0]["label"] for answer in batch] == ["positive", "negative"]
    assert len(predict(client, [[GLAD]])) == 1


def test_predict_gives_logits_on_request(client: httpx.Client) -> None:
    raw, scores = predict(client, GLAD, raw_scores=True), predict(client, GLAD)
    assert [each["label"] for each in raw] == [each["label"] for each in scores]
    assert softmax(np.array([each["score"] for each in raw])) == pytest.approx(
        [each["score"] for each in scores], abs=1e-4
    )


def test_predict_ignores_what_does_not_concern_it(client: httpx.Client) -> None:
    options = {"truncate": True, "truncation_direction": "Left", "prompt_name": None}
    assert predict(client, GLAD, **options)[0]["label"] == "positive"
    long = GLAD + " " + "We had lunch. " * 60 + ANGRY * 40
    assert predict(client, long, truncate=True)[0]["label"] == "negative"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"inputs": []}, 422),
        ({"inputs": [[]]}, 422),
        ({"inputs": ["one", "two", "three"]}, 422),
        ({"inputs": [["one", "two", "three"]]}, 422),
        ({"inputs": ["one", ["two"]]}, 422),
        ({"inputs": 5}, 422),
        ({"inputs": ""}, 422),
        ({}, 422),
        (b"{", 422),
        ({"inputs": "a" * 5001}, 413),
        ({"inputs": [["fine"]] * 41}, 422),
    ],
)
def test_predict_errors_have_the_members_of_both_contracts(client: httpx.Client, body: object, status: int) -> None:
    response = post(client, "/predict", body)
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["error"] == problem["detail"] != ""
    assert problem["error_type"] == "Validation"


class Held:
    """The classifier, held up until it is let go: what a slow model looks like to the queue."""

    def __init__(self, inner: Classifier) -> None:
        self.inner, self.begun, self.go = inner, threading.Event(), threading.Event()
        self.go.set()
        self.name, self.labels, self.tokenizer = inner.name, inner.labels, inner.tokenizer
        self.max_tokens, self.pad_token = inner.max_tokens, inner.pad_token
        self.temperature, self.hard_to_say_below = inner.temperature, inner.hard_to_say_below

    def logits(self, ids: Ids, mask: Ids) -> Floats:
        self.begun.set()
        assert self.go.wait(20)
        return self.inner.logits(ids, mask)


def test_full_queue_is_refused_and_the_loop_stays_free(classifier: Classifier) -> None:
    held = Held(classifier)
    app, _ = create_app(SETTINGS.model_copy(update={"sentiment_queue": 0}), held)
    with running(app) as client, ThreadPoolExecutor() as pool:
        wait_until_ready(client)
        held.begun.clear()
        held.go.clear()
        first = pool.submit(client.post, "/classify", json={"texts": [GLAD]})
        assert held.begun.wait(10)
        refused = [client.post("/classify", json={"texts": [GLAD]}), client.post("/predict", json={"inputs": GLAD})]
        assert client.get("/readyz").status_code == 200
        held.go.set()
        assert first.result().status_code == 200
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(429, "busy")] * 2
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert refused[1].json()["error_type"] == "Overloaded"


def test_requests_that_wait_are_read_together_and_each_gets_its_own(classifier: Classifier) -> None:
    sizes = []

    class Counting(Held):
        def logits(self, ids: Ids, mask: Ids) -> Floats:
            sizes.append(len(ids))
            return super().logits(ids, mask)

    held = Counting(classifier)
    app, _ = create_app(SETTINGS, held)
    texts = [GLAD, ANGRY, "The train leaves at ten.", ANGRY, GLAD]
    with running(app) as client, ThreadPoolExecutor() as pool:
        wait_until_ready(client)
        held.begun.clear()
        held.go.clear()
        first = pool.submit(classify, client, GLAD)
        assert held.begun.wait(10)
        sizes.clear()
        waiting = [pool.submit(classify, client, text) for text in texts]
        while "voxmood_queue_length 6.0" not in client.get("/metrics").text:
            pass
        held.go.set()
        verdicts = [answer.result()[0]["verdict"] for answer in (first, *waiting)]
    assert verdicts == ["positive", "positive", "negative", "neutral", "negative", "positive"]
    assert sizes == [5]


def test_work_ends_between_batches_when_nobody_waits(classifier: Classifier) -> None:
    stop, calls = threading.Event(), []

    class Counting(Held):
        def logits(self, ids: Ids, mask: Ids) -> Floats:
            calls.append(len(ids))
            if len(calls) == 3:
                stop.set()
            return super().logits(ids, mask)

    scorer = Scorer(lambda: Counting(classifier))
    scorer.load()
    with pytest.raises(HungUp):
        scorer.read([GLAD * 20] * 30, stop)
    assert len(calls) == 3


@pytest.mark.parametrize(("path", "body"), [("/classify", {"texts": [GLAD]}), ("/predict", {"inputs": GLAD})])
async def test_not_ready_before_the_model_is_loaded(path: str, body: dict[str, object]) -> None:
    app, _ = create_app(SETTINGS)
    transport = httpx.ASGITransport(app)  # runs no lifespan: nothing is loaded
    async with httpx.AsyncClient(transport=transport, base_url="http://sentiment") as client:
        response = await client.post(path, json=body)
        ready = await client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")
    assert (ready.status_code, response.headers["retry-after"]) == (503, "2")


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("model", ["/no/such/folder", "{empty}"])
def test_wrong_model_stops_the_service_and_says_what_to_do(model: str, tmp_path: object) -> None:
    ended = start(
        "-m", "voxmood_sentiment", VOXMOOD_SENTIMENT_MODEL=model.format(empty=tmp_path), VOXMOOD_SENTIMENT_PORT="0"
    )
    assert ended.returncode == 1
    assert "point VOXMOOD_SENTIMENT_MODEL to a folder" in ended.stderr
    assert "Traceback" not in ended.stderr


def imported(names: Sequence[str]) -> str:
    return f"""
import asyncio, sys, threading
from voxmood_sentiment.app import create_app
from voxmood_sentiment.settings import Settings
app, loading = create_app(Settings())
asyncio.run(loading.run())
assert loading.ready
print([name for name in {names!r} if name in sys.modules])
"""


def test_serving_the_shipped_model_imports_no_torch() -> None:
    ended = start("-c", imported(["torch", "transformers", "pandas", "sklearn"]))
    assert ended.stdout.strip() == "[]", ended.stderr
