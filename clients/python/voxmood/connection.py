"""HTTP to one server: timeouts, retries of what may pass by itself, and every failure as a VoxmoodError.

Not done here: what is asked, and of whom.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

import httpx
from httpx_retries import Retry, RetryTransport
from httpx_sse import EventSource, ServerSentEvent
from pydantic import BaseModel, ValidationError

from voxmood.errors import BadAnswer, Busy, InvalidInput, TimedOut, Unauthorized, Unavailable, VoxmoodError

Answer = TypeVar("Answer", bound=BaseModel)
EVENTS = "text/event-stream"


class Connection:
    """One server: requests with timeouts and retries, every failure as a VoxmoodError.

    `timeout` is in seconds, for the whole wait on an answer or a stream; `retries` counts tries after the first one,
    `patience` bounds the seconds slept between them. With none, busy servers are not asked again. At most `kept`
    connections stay open from one request to the next.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        timeout: float,
        retries: int,
        patience: float,
        headers: Mapping[str, str],
        kept: int = 20,
    ) -> None:
        self.name, self.timeout = name, timeout
        retry = Retry(
            total=retries,
            allowed_methods=["GET", "POST"],  # an analysis changes nothing: asking twice is safe
            # 502 is a load balancer's word for a broken connection: its server died at work, another one may be there.
            status_forcelist=[502, *((429, 503) if patience else ())],
            retry_on_exceptions=[httpx.NetworkError, httpx.RemoteProtocolError],
            backoff_factor=0.3,
            total_timeout=patience or 1,
        )
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=kept)
        self.http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=min(5, timeout)),
            transport=RetryTransport(httpx.AsyncHTTPTransport(limits=limits), retry),
            headers=headers,
        )

    async def post(self, path: str, answer: type[Answer], **body: Any) -> Answer:
        """POST and parse the answer. Raises VoxmoodError."""
        return parse(answer, (await self.ask("POST", path, **body)).content, self.name)

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        """The answer, which is no error. Raises VoxmoodError."""
        response = await self._send(method, path, **body)
        if (
            response.status_code == 404 and method != "POST"
        ):  # what is asked for; where one POSTs, the server is another
            detail, code = self._explanation(response)
            raise InvalidInput(detail, status=404, code=code)
        if response.is_error:
            raise self._refused(response)
        return response

    async def events(self, path: str, **body: Any) -> AsyncGenerator[ServerSentEvent, None]:
        """POST and give the events of the answer as they come; an answer in JSON is one event named `json`.

        Tries again until the answer begins, not later. `timeout` is for all of it. Raises VoxmoodError.
        """
        headers = {**body.pop("headers", {}), "Accept": f"{EVENTS}, application/json"}
        end = asyncio.get_running_loop().time() + self.timeout
        with self._told():
            async with self.http.stream("POST", path, headers=headers, **body) as response:
                streamed = EVENTS in response.headers.get("content-type", "")
                if response.is_error or not streamed:
                    async with asyncio.timeout_at(end):
                        await response.aread()
                    if response.is_error:
                        raise self._refused(response)
                    yield ServerSentEvent("json", response.text)
                    return
                async with aclosing(EventSource(response).aiter_sse()) as events:
                    while True:
                        async with asyncio.timeout_at(end):
                            event = await anext(events, None)
                        if event is None:
                            return
                        yield event

    async def check_ready(self) -> None:
        """Raise VoxmoodError unless the server is there and ready. One without /readyz (404) counts as ready."""
        response = await self._send("GET", "/readyz", extensions={"retry": Retry(total=0)})
        if response.is_server_error:
            raise self._refused(response)

    async def _send(self, method: str, path: str, **body: Any) -> httpx.Response:
        with self._told():
            return await self.http.request(method, path, **body)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TimeoutException, TimeoutError) as error:
            raise TimedOut(f"the {self.name} service took too long: try again later") from error
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            raise Unavailable(f"the {self.name} service broke off: try again", retry_after=5) from error
        except httpx.RequestError as error:
            raise Unavailable(f"the {self.name} service cannot be reached: is it running?", retry_after=5) from error

    def _refused(self, response: httpx.Response) -> VoxmoodError:
        detail, code = self._explanation(response)
        wait = response.headers.get("retry-after", "")
        return self.fault(response.status_code, detail, code, float(wait) if wait.isdigit() else None)

    def fault(self, status: int, detail: str, code: str | None, retry_after: float | None = None) -> VoxmoodError:
        """The error for a status that the server answered, or told in an event."""
        if status in (400, 413, 415, 422):
            return InvalidInput(detail, status=status, code=code)
        if status == 401:
            return Unauthorized(detail)
        if status == 429:
            return Busy(detail, retry_after=retry_after or 1)
        if status == 503:
            return Unavailable(detail, retry_after=retry_after or 1)
        if status == 504:
            return TimedOut(detail)
        return BadAnswer(f"the {self.name} service failed with status {status}")

    def _explanation(self, response: httpx.Response) -> tuple[str, str | None]:
        """Detail and code of a problem (RFC 9457) or of OpenAI's error object, where they are text.

        A list of faults, as FastAPI's servers answer, may quote what was sent: it is not passed on.
        """
        detail, code = None, None
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, dict):
            fault = body["error"] if isinstance(body.get("error"), dict) else body
            detail, code = fault.get("detail") or fault.get("message"), fault.get("code")
        if not isinstance(detail, str):
            detail = f"the {self.name} service answered {response.status_code} without saying why"
        return detail, code if isinstance(code, str) else None


def parse(answer: type[Answer], content: bytes | str, name: str) -> Answer:
    """Read what the server `name` answered. Raises BadAnswer."""
    try:
        return answer.model_validate_json(content)
    except ValidationError as error:
        raise BadAnswer(f"the {name} service answered something else than its contract says") from error
