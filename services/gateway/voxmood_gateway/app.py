"""The HTTP face of Voxmood: one request in, one analysis out. Not done here: reading bodies, or orchestration."""

from importlib.metadata import version

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter

from voxmood import Analysis, Analyzer, Unauthorized, VoxmoodError
from voxmood_gateway import events, keys
from voxmood_gateway.body import OPENAPI, read_wish
from voxmood_gateway.jobs.routes import TABLE as JOBS
from voxmood_gateway.jobs.routes import add_routes, open_store
from voxmood_gateway.jobs.work import Work
from voxmood_gateway.page import add_page
from voxmood_gateway.settings import Settings
from voxmood_service import Loading, Stages, documented, event_stream, problem, service_app, unless_hung_up

DESCRIPTION = (
    "The mood of a voice message or a text. Audio is recognised and classified, and but for jobs stored nowhere."
)


def create_app(settings: Settings, analyzer: Analyzer | None = None) -> tuple[FastAPI, Loading]:
    """Build the app around an analyzer; one for the settings' two services by default."""
    analyst = analyzer or Analyzer(
        settings.asr_url,
        settings.sentiment_url,
        asr_key=settings.asr_key.get_secret_value() if settings.asr_key else None,
        asr_timeout=settings.asr_timeout,
        sentiment_timeout=settings.sentiment_timeout,
        retries=2,
        patience=0,  # a caller hears of a full queue at once, with its Retry-After
    )
    registry = CollectorRegistry()
    analyses = Counter("voxmood_analyses", "Analyses by verdict", ["verdict"], registry=registry)
    stages = Stages(registry, "asr", "sentiment")

    def count(analysis: Analysis) -> None:
        analyses.labels(analysis.verdict or "no_speech").inc()
        for stage, seconds in analysis.timings:
            if seconds is not None:
                stages.add(stage, seconds)

    store = open_store(settings)
    work = Work(store, settings, analyst, registry, count) if store else None

    async def close() -> None:
        if work:
            await work.stop()
        await analyst.aclose()

    app, loading = service_app(
        title="Voxmood",
        version=version("voxmood-gateway"),
        description=DESCRIPTION,
        table={**keys.TABLE, **JOBS},
        max_bytes=settings.max_bytes,
        larger={"/jobs": settings.jobs_max_bytes},
        registry=registry,
        check=analyst.check_ready,
        load=work.start if work else None,
        close=close,
    )

    @app.exception_handler(VoxmoodError)
    async def failed(_: Request, error: VoxmoodError) -> JSONResponse:
        if isinstance(error, Unauthorized):
            error = keys.ours_refused()
        headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
        return problem(error.status, error.code, str(error), headers)

    gate = keys.Gate(settings, registry)
    add_routes(app, work, gate, settings)

    @app.post(
        "/analyze",
        dependencies=[Depends(gate)],
        response_model=Analysis,
        responses={200: events.DOCUMENTED, **documented(400, 401, 413, 415, 422, 429, 502, 503, 504)},
        openapi_extra=OPENAPI,
    )
    async def analyze(request: Request) -> Analysis | Response:
        """Analyse audio or text. Silence is no error: `verdict` is null and `no_speech` true.

        With `Accept: text/event-stream`, each sentence comes as soon as it is recognised.
        """
        wish = await read_wish(request, settings)
        options = wish.options()
        if events.wanted(request):
            parts = (
                analyst.stream_audio(wish.audio, **options)
                if wish.audio is not None
                else events.written(analyst.analyze_text(wish.text or "", **options))
            )
            return await event_stream(request, events.encoded(parts, count), events.failed)
        if wish.audio is not None:
            answer = analyst.analyze_audio(wish.audio, **options)
        else:
            answer = analyst.analyze_text(wish.text or "", **options)
        analysis = await unless_hung_up(request, answer)
        count(analysis)
        return analysis

    add_page(app, settings)
    return app, loading
