"""The HTTP face of the classifier: `POST /classify`, and `POST /predict` as in predict.py.

One inference at a time, a bounded queue before it; what waits there is read together. Not done here: reading texts,
see scoring.py.
"""

from importlib.metadata import version
from threading import Event

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry, Counter

from voxmood_sentiment import predict
from voxmood_sentiment.classifier import Classifier, open_classifier
from voxmood_sentiment.errors import TABLE, TooLong, WrongTexts
from voxmood_sentiment.explain import Weight, explain
from voxmood_sentiment.schemas import Answer, Question, Result
from voxmood_sentiment.scoring import Reading, Scorer
from voxmood_sentiment.settings import Settings
from voxmood_sentiment.together import Together
from voxmood_sentiment.words import is_blank
from voxmood_service import Loading, Turns, documented, service_app, span

DESCRIPTION = "The mood of texts in English and Russian: negative, neutral or positive."


def check(texts: list[str], settings: Settings) -> None:
    """Raise WrongTexts or TooLong if the texts are not to be read, before any work is done."""
    if len(texts) > settings.max_texts:
        raise WrongTexts(f"{len(texts)} texts: send at most {settings.max_texts} at once")
    for index, text in enumerate(texts):
        if is_blank(text):
            raise WrongTexts(f"text {index} (the first is 0) is empty: there is nothing to read")
        if len(text) > settings.max_characters:
            raise TooLong(f"text {index} (the first is 0) has more than {settings.max_characters} characters")
    total = sum(map(len, texts))
    if total > settings.max_total_characters:
        raise TooLong(f"{total} characters to read: at most {settings.max_total_characters} at once; send fewer texts")


def create_app(settings: Settings, classifier: Classifier | None = None) -> tuple[FastAPI, Loading]:
    """Build the app around a classifier; the settings' model by default."""
    scorer = Scorer(lambda: classifier or open_classifier(settings.sentiment_model, settings.sentiment_threads))
    registry = CollectorRegistry()
    text_count = Counter("voxmood_texts", "Texts read", registry=registry)
    token_count = Counter("voxmood_tokens", "Tokens of those texts", registry=registry)
    verdicts = Counter("voxmood_verdicts", "Verdicts given", ["verdict"], registry=registry)
    turns = Turns(settings.sentiment_queue, registry)
    together = Together(scorer, turns)
    app, loading = service_app(
        title="Voxmood sentiment",
        version=version("voxmood-sentiment"),
        description=DESCRIPTION,
        table=TABLE,
        max_bytes=settings.max_bytes,
        registry=registry,
        model=lambda: scorer.classifier.name,
        load=scorer.load,
    )

    def count(readings: list[Reading]) -> None:
        text_count.inc(len(readings))
        for reading in readings:
            token_count.inc(reading.tokens)
            verdicts.labels(reading.verdict).inc()

    async def read(request: Request, texts: list[str]) -> list[Reading]:
        check(texts, settings)
        readings = await together.read(request, texts)
        count(readings)
        return readings

    async def explained(request: Request, texts: list[str]) -> tuple[list[Reading], list[list[Weight] | None]]:
        check(texts, settings)
        budget = settings.max_total_characters - sum(map(len, texts))

        def work(stop: Event) -> tuple[list[Reading], list[list[Weight] | None]]:
            with span("classify"):
                readings = scorer.read(texts, stop)
            with span("explain"):
                return readings, explain(scorer, texts, readings, budget, stop)

        readings, weights = await turns.run(request, work)
        count(readings)
        return readings, weights

    @app.post(
        "/classify",
        tags=["sentiment"],
        dependencies=[Depends(loading.require)],
        responses=documented(400, 413, 422, 429, 503),
    )
    async def classify(request: Request, question: Question) -> Answer:
        """Judge texts of any length, each to its end."""
        texts = question.texts
        if question.explain:
            readings, weights = await explained(request, texts)
        else:
            readings, weights = await read(request, texts), [None] * len(texts)
        results = [
            Result.of(text, reading, weight) for text, reading, weight in zip(texts, readings, weights, strict=True)
        ]
        return Answer(model=scorer.classifier.name, results=results)

    app.include_router(predict.router(scorer, read, loading))
    return app, loading
