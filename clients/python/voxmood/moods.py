"""The moods of a message's sentences and of the whole, each asked for once. Not done here: finding sentences, HTTP."""

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from voxmood.connection import Connection
from voxmood.errors import BadAnswer
from voxmood.models import Classification, Sentence, SentimentAnswer
from voxmood.sentences import Span

BATCH = 256  # texts in one /classify


class Moods:
    """What a sentiment service says of one message."""

    def __init__(self, service: Connection, *, explain: bool, headers: Mapping[str, str]) -> None:
        self.service, self.explain, self.headers = service, explain, headers
        self.model: str | None = None
        self.seconds: float | None = None
        self.known: dict[str, Classification] = {}

    async def read(self, spans: Sequence[Span], whole: str | None = None) -> Classification | None:
        """Ask for the sentences that are not known yet, and for the `whole`, which is not explained: its mood.

        Raises VoxmoodError.
        """
        began = time.perf_counter()
        head = [whole] if whole else []
        new = list(dict.fromkeys(span.text for span in spans if span.text not in self.known))
        results: list[Classification] = []
        wishes = [*((text, False) for text in head), *((text, self.explain) for text in new)]
        for explain, group in groupby(wishes, itemgetter(1)):
            texts = [text for text, _ in group]
            for at in range(0, len(texts), BATCH):
                results += await self._ask(texts[at : at + BATCH], explain)
        self.known.update(zip(new, results[len(head) :], strict=True))
        self.seconds = round((self.seconds or 0) + time.perf_counter() - began, 3)
        return results[0] if head else None

    def sentence(self, span: Span) -> Sentence:
        """A sentence that has been read."""
        result = self.known[span.text]
        return Sentence(
            text=span.text,
            start=span.start,
            end=span.end,
            verdict=result.verdict,
            confidence=result.confidence,
            hard_to_say=result.hard_to_say,
            score=result.score,
            words=result.words,
        )

    async def _ask(self, texts: list[str], explain: bool) -> list[Classification]:
        answer = await self.service.post(
            "/classify", SentimentAnswer, json={"texts": texts, "explain": explain}, headers=self.headers
        )
        if len(answer.results) != len(texts):
            raise BadAnswer("the sentiment service answered another number of results than of texts")
        self.model = answer.model
        return answer.results
