"""The page at `/`: a recording or a text in, its mood out, in a browser. Its files in page/ are served as they are.

They stand under an address that holds their digest, so that browsers may keep them until they change. Addresses are
relative: a proxy may put all of it under a path. The page tells its scripts the limits of this gateway. Not done here:
the analysis, which they ask of `/analyze` like anyone else.
"""

import hashlib
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

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


class Files(StaticFiles):
    """Files that never change under their address."""

    def file_response(self, full_path: str | PathLike[str], *args: Any, **kwargs: Any) -> Response:
        """Let browsers keep it."""
        response = super().file_response(full_path, *args, **kwargs)
        response.headers["Cache-Control"] = FOREVER
        return response


def add_page(app: FastAPI, settings: Settings) -> None:
    """Serve the page and its files, compressed."""
    files = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
    address = f"page/{hashlib.sha256(b''.join(path.read_bytes() for path in files)).hexdigest()[:12]}"
    modules = [path.relative_to(FOLDER).as_posix() for path in files if path.suffix == ".js"]
    html = Template((FOLDER / "index.html").read_text(encoding="utf-8")).substitute(
        files=address,
        # All at once: a browser would else learn of a module only from the one that imports it.
        preload="\n".join(f'<link rel="modulepreload" href="{address}/{module}">' for module in modules),
        max_bytes=settings.max_bytes,
        max_seconds=settings.max_seconds,
        max_characters=settings.max_characters,
    )

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        response = HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})
        await response(scope, receive, send)

    app.router.routes.append(Route("/", GZipMiddleware(page), methods=["GET"]))
    app.mount(f"/{address}", GZipMiddleware(Files(directory=FOLDER)))
