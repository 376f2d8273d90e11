"""`/jobs`: take recordings now, analyse them later. Not done here: the analysis, and where jobs are kept."""

import hashlib
import secrets
from typing import Annotated

from asgi_correlation_id import correlation_id
from fastapi import Depends, FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from voxmood import Job
from voxmood_gateway.jobs.models import Record
from voxmood_gateway.jobs.order import OPENAPI, read_order
from voxmood_gateway.jobs.store import Store
from voxmood_gateway.jobs.work import Work
from voxmood_gateway.keys import Gate
from voxmood_gateway.settings import Settings
from voxmood_service import Busy, ServiceError, documented, problem

Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{22}$", description="of the job, from its Location")]
Repeat = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,64}$",
        description="made up by the caller: a job that was made with the same one is given instead of a second one",
    ),
]


class JobsOff(ServiceError):
    """This gateway takes no jobs."""


def open_store(settings: Settings) -> Store | None:
    """The place that the settings name; None: no jobs."""
    keep = settings.jobs_keep * 3600
    if settings.jobs_redis_url:
        from voxmood_gateway.jobs.shared import Shared  # who has no Redis need not load what it takes

        return Shared(settings.jobs_redis_url.get_secret_value(), keep, settings.jobs_patience)
    if settings.jobs_dir:
        from voxmood_gateway.jobs.sqlite import Embedded

        return Embedded(settings.jobs_dir, keep)
    return None


def add_routes(app: FastAPI, work: Work | None, gate: Gate, settings: Settings) -> None:
    """Offer jobs, or say that there are none."""

    def at_work() -> Work:
        if work is None:
            raise JobsOff("this gateway takes no jobs: its operator has to set VOXMOOD_JOBS_DIR")
        return work

    if work:

        @app.exception_handler(work.store.failures)
        async def failed(_: Request, error: Exception) -> JSONResponse:
            return problem(503, "unavailable", "jobs cannot be kept now: try again", {"Retry-After": "5"})

    Working = Annotated[Work, Depends(at_work)]

    async def owned(id: Id, working: Working, owner: Annotated[str, Depends(gate.known)]) -> Record:
        job = await working.store.get(id)
        if job is None or job.owner != owner:
            raise HTTPException(404, "there is no such job: it has expired, was deleted, or is another key's")
        return job

    Owned = Annotated[Record, Depends(owned)]

    @app.post(
        "/jobs",
        status_code=202,
        responses={
            202: {"headers": {"Location": {"description": "where the job is", "schema": {"type": "string"}}}},
            **documented(400, 401, 413, 415, 422, 429, 501, 503),
        },
        openapi_extra=OPENAPI,
    )
    async def make_job(
        request: Request,
        response: Response,
        owner: Annotated[str, Depends(gate)],
        working: Working,
        repeat: Repeat = None,
    ) -> Job:
        """Take recordings, to be analysed one after the other. They and the answers are kept until they expire."""
        if await working.store.unfinished(owner) >= settings.jobs_queue:
            raise Busy("too many of your jobs are unfinished: wait for one, or delete one", retry_after=60)
        async with read_order(request, settings) as order:
            job = Record(
                id=secrets.token_urlsafe(16),
                owner=owner,
                request_id=correlation_id.get(),
                language=order.language,
                explain=order.explain,
                files=len(order.audio),
                webhook=order.webhook,
                told="pending" if order.webhook else None,
            )
            known = hashlib.sha256(f"{owner} {repeat}".encode()).hexdigest() if repeat else None
            job = await working.store.add(job, [upload.file for upload in order.audio], known)
        await working.look()
        response.headers["Location"] = f"{request.scope.get('root_path', '')}/jobs/{job.id}"
        return await _view(working, job)

    @app.get("/jobs/{id}", responses=documented(401, 404, 422, 501, 503))
    async def get_job(job: Owned, working: Working) -> Job:
        """How far a job is, and the analyses so far."""
        return await _view(working, job)

    @app.delete("/jobs/{id}", status_code=204, responses=documented(401, 404, 422, 501, 503))
    async def delete_job(job: Owned, working: Working) -> None:
        """End a job, and delete it with all that is kept of it."""
        await working.store.delete(job.id)
        working.jobs.labels("deleted").inc()
        await working.look()


async def _view(working: Work, job: Record) -> Job:
    return job.shown(await working.store.outcomes(job.id), working.keep)


TABLE: dict[type[ServiceError], tuple[int, str]] = {JobsOff: (501, "jobs_off")}
