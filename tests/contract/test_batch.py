"""A batch against services that are busy, go away, or fail on one file."""

import asyncio
import resource
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.conftest import Serve
from tests.contract.test_client import SPOKEN, judged
from voxmood import Analyzer, InvalidInput, Unauthorized, Unavailable
from voxmood.batch import Batch
from voxmood.table import Row, TableError, read

CODES = {400: "not_audio", 422: "unknown_language"}


class Services(FastAPI):
    """Both services: what is sent is noted, and answered with its `statuses` one by one, then as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.statuses: dict[str, list[int]] = {}
        self.down = False
        self.together = asyncio.Barrier(1)  # nobody is answered before so many ask
        self.get("/readyz")(self.readyz)
        self.post("/v1/audio/transcriptions")(self.transcribe)
        self.post("/classify")(self.classify)

    async def readyz(self) -> Response:
        return Response(status_code=503 if self.down else 200)

    async def transcribe(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            sent = (await file.read()).decode()
        self.asked.append(sent)
        await self.together.wait()
        status = self.statuses[sent].pop(0) if self.statuses.get(sent) else 200
        self.down = status == 503
        return JSONResponse(SPOKEN if status == 200 else {"code": CODES.get(status)}, status, {"Retry-After": "1"})

    async def classify(self, request: Request) -> Response:
        return JSONResponse(judged((await request.json())["texts"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files that hold their names."""
    folder = tmp_path / "voices"
    folder.mkdir()
    for name in "abcdef":
        (folder / f"{name}.ogg").write_text(name)
    return folder


async def run(url: str, folder: Path, workers: int = 1) -> list[Row]:
    async with Analyzer(url, url, retries=0) as analyzer:
        return await Batch(analyzer, folder, folder.with_name("moods.jsonl"), workers=workers).run(lambda *_: None)


async def test_as_many_files_are_in_flight_as_there_are_workers(serve: Serve, folder: Path) -> None:
    services = Services()
    services.together = asyncio.Barrier(3)
    with serve(services) as url:
        rows = await run(url, folder, workers=3)
    assert [row.path for row in rows] == [f"{name}.ogg" for name in "abcdef"]
    assert sorted(services.asked) == list("abcdef")


async def test_a_busy_service_fails_no_file(serve: Serve, folder: Path) -> None:
    services = Services()
    services.statuses = {"a": [429], "b": [429]}
    with serve(services) as url:
        rows = await run(url, folder, workers=2)
    assert [row.problem for row in rows] == [None] * 6
    assert sorted(services.asked) == list("aabbcdef")


async def test_a_service_that_goes_away_ends_the_run_and_the_next_goes_on(serve: Serve, folder: Path) -> None:
    services = Services()
    services.statuses = {"c": [503]}
    with serve(services) as url:
        with pytest.raises(Unavailable):
            await run(url, folder)
        assert services.asked == list("abc")
        assert not folder.with_name("moods.jsonl").exists()
        with pytest.raises(Unavailable):
            await run(url, folder)
        assert services.asked == list("abc"), "a service that is not ready is asked for nothing"
        services.down = False
        rows = await run(url, folder)
    assert services.asked == list("abccdef")
    assert [row.problem for row in rows] == [None] * 6
    assert read(folder.with_name("moods.jsonl")) == rows


async def test_a_file_that_a_service_fails_on_is_tried_again_after_all_others(serve: Serve, folder: Path) -> None:
    services = Services()
    services.statuses = {"a": [500, 500], "b": [400]}
    with serve(services) as url:
        rows = await run(url, folder)
        assert [row.problem for row in rows] == ["bad_answer", "not_audio", *[None] * 4]
        (folder / "new.ogg").write_text("new")
        services.asked.clear()
        rows = await run(url, folder)
        assert services.asked == ["new", "a"]
        await run(url, folder)
    assert services.asked == ["new", "a", "a"]


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (422, InvalidInput)])
async def test_what_would_fail_every_file_ends_the_run(
    serve: Serve, folder: Path, status: int, error: type[Exception]
) -> None:
    services = Services()
    services.statuses = {name: [status] for name in "abcdef"}
    with serve(services) as url, pytest.raises(error):
        await run(url, folder)
    assert services.asked == ["a"]
    assert list(folder.parent.iterdir()) == [folder], "no row that says it were the file's fault"


async def test_a_full_disk_ends_the_run_and_the_next_goes_on(serve: Serve, folder: Path) -> None:
    services = Services()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(services) as url:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # bytes of any file: not two rows
            with pytest.raises(TableError, match="cannot be written"):
                await run(url, folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        rows = await run(url, folder)
    assert [row.problem for row in rows] == [None] * 6
    assert services.asked == list("abbcdef")


async def test_a_name_that_is_no_text_is_a_row_too(serve: Serve, folder: Path) -> None:
    (folder / "\udcff.ogg").write_text("z")
    with serve(Services()) as url:
        rows = await run(url, folder)
    assert rows[-1].path == "\\xff.ogg"
    assert rows[-1].verdict == "negative"
