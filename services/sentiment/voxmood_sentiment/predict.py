"""`POST /predict` as Hugging Face's text-embeddings-inference answers it, so that its clients work.

The contract: github.com/huggingface/text-embeddings-inference, router/src/http/types.rs. Two differences: text that
is longer than the model is read to its end in windows, so `truncate` changes nothing, and a pair of texts is read as
one text. Errors are problem details that also carry that server's `error` and `error_type`.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from voxmood_sentiment.schemas import Text
from voxmood_sentiment.scoring import Reading, Scorer
from voxmood_service import CODE, Loading, documented

FORMS = "a string, a pair of strings [string, string] or a batch of both [[string], [string, string], ...]"
ERROR_TYPES = {429: "Overloaded", 503: "Unhealthy"}
OneOrTwo: TypeAlias = Annotated[list[Text], Field(min_length=1, max_length=2)]
Batch: TypeAlias = Annotated[list[OneOrTwo], Field(min_length=1)]
SEQUENCES: TypeAdapter[list[list[str]]] = TypeAdapter(Batch)


@dataclass(frozen=True)
class Inputs:
    """Sequences of one or two strings; not a batch: exactly one."""

    sequences: list[list[str]]
    batch: bool


def parse(value: object) -> Inputs:
    """Tell the three forms of `inputs` apart: a batch is a list of lists."""
    batch = isinstance(value, list) and isinstance(next(iter(value), None), list)
    try:
        sequences = value if batch else [value if isinstance(value, list) else [value]]
        return Inputs(SEQUENCES.validate_python(sequences), batch)
    except ValidationError as error:
        raise PydanticCustomError("inputs", FORMS) from error


class PredictRequest(BaseModel):
    """One text or a batch. Members that are not named here are ignored, as that server does."""

    model_config = ConfigDict(strict=True)

    inputs: Annotated[Inputs, PlainValidator(parse, json_schema_input_type=str | OneOrTwo | Batch)] = Field(
        description=FORMS, examples=["Thank you, that was lovely!"]
    )
    raw_scores: bool = Field(False, description="logits instead of probabilities")
    truncate: bool | None = Field(None, description="without effect: long texts are read to their end")
    truncation_direction: Literal["Left", "Right", "left", "right"] = Field("Right", description="without effect")


class Prediction(BaseModel):
    """One label of the model, under its own name."""

    score: float
    label: str


class TeiRoute(APIRoute):
    """Adds `error` and `error_type` to the problem details of a route."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route: errors are answered as the app would, and then extended."""
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                known = request.app.exception_handlers
                answer = next((known[kind] for kind in type(error).__mro__ if kind in known), None)
                if answer is None:
                    raise
                response: Response = await answer(request, error)
            body = json.loads(bytes(response.body))
            request.scope[CODE] = body["code"]
            body |= {"error": body["detail"], "error_type": ERROR_TYPES.get(body["status"], "Validation")}
            headers = {key: value for key, value in response.headers.items() if key != "content-length"}
            return JSONResponse(body, response.status_code, headers, response.media_type)

        return handle_or_explain


def router(
    scorer: Scorer, read: Callable[[Request, list[str]], Awaitable[list[Reading]]], loading: Loading
) -> APIRouter:
    """The route, for texts that `read` reads with the scorer's classifier."""
    routes = APIRouter(tags=["text-embeddings-inference"], route_class=TeiRoute)

    @routes.post("/predict", dependencies=[Depends(loading.require)], responses=documented(400, 413, 422, 429, 503))
    async def predict(request: Request, question: PredictRequest) -> list[Prediction] | list[list[Prediction]]:
        """Scores of all labels, highest first: one list for one text, a list of lists for a batch."""
        readings = await read(request, [" ".join(sequence) for sequence in question.inputs.sequences])
        answers = []
        for reading in readings:
            scores = (reading.logits if question.raw_scores else reading.probabilities).tolist()
            labelled = zip(scores, scorer.classifier.labels, strict=True)
            answers.append([Prediction(score=score, label=label) for score, label in sorted(labelled, reverse=True)])
        return answers if question.inputs.batch else answers[0]

    return routes
