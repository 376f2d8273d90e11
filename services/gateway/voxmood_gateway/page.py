"""The page at `/`: a recording or a text in, its mood out, in a browser. Its files in page/ are served as they are.

They stand under an address that holds their digest, so that browsers may keep them until they change. Addresses are
relative: a proxy may put all of it under a path. The page tells its scripts the limits of this gateway. Not done here:
the analysis, which they ask of `/analyze` like anyone else.
"""

import hashlib
from pathlib import Path
from string import Template

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from voxmood_gateway.settings import Settings

FOLDER = Path(__file__).with_name("page")
FOREVER = "public, max-age=31536000, immutable"
# Of the style that wavesurfer.js makes, for the HEIGHT in player.js.
WAVESURFER = "sha256-y3w6djtsLcRQ9+9bt07dRKCTWKZhohxejz2jxHiyHCc="
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' '{WAVESURFER}'; img-src 'self'; connect-src 'self'; "
    "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing of others' and nothing inline; what is played was chosen or recorded in the page."""


def add_page(app: FastAPI, settings: Settings) -> None:
    """Serve the page and its files. Answers are compressed from now on, but for streams."""
    files = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    modules = [path.relative_to(FOLDER).as_posix() for path in files if path.suffix == ".js"]
    html = Template((FOLDER / "index.html").read_text(encoding="utf-8")).substitute(
        files=f"page/{digest}",
        # All at once: a browser would else learn of a module only from the one that imports it.
        preload="\n".join(f'<link rel="modulepreload" href="page/{digest}/{module}">' for module in modules),
        max_bytes=settings.max_bytes,
        max_seconds=settings.max_seconds,
        max_characters=settings.max_characters,
    )
    static = StaticFiles(directory=FOLDER)
    app.add_middleware(GZipMiddleware, minimum_size=1000)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    @app.get("/page/{version}/{file:path}", include_in_schema=False)
    async def page_file(request: Request, version: str, file: str) -> Response:
        if version != digest:  # of another release: it must not be kept as this one's
            raise HTTPException(404, "this file is of another version of the page: load the page again")
        response = await static.get_response(file, request.scope)
        response.headers["Cache-Control"] = FOREVER
        return response
