"""What a browser is told with every answer: load nothing from elsewhere, show it in no other page, keep no copy.

No cross-origin header is ever sent, so that pages of others cannot read an answer. HTTPS, and the header that insists
on it, are the affair of the proxy in front.
"""

from typing import Any

from secure import Secure
from secure.headers import (
    CacheControl,
    ContentSecurityPolicy,
    ReferrerPolicy,
    XContentTypeOptions,
    XFrameOptions,
)
from secure.middleware import SecureASGIMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

DOCUMENTATION = {"/docs", "/redoc"}  # generated pages, with their script and style in them


def policy(*inline: str) -> Secure:
    """The headers; scripts and styles may stand in the page itself where `inline` says so."""
    own = ContentSecurityPolicy().default_src("'self'").script_src("'self'", *inline).style_src("'self'", *inline)
    alone = own.img_src("'self'", "data:").object_src("'none'").base_uri("'none'").form_action("'self'")
    return Secure(
        cache=CacheControl().no_store(),
        csp=alone.frame_ancestors("'none'"),
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
    )


class SecurityHeaders:
    """The middleware: strict but for the pages of the API documentation."""

    def __init__(self, app: ASGIApp) -> None:
        self.strict = SecureASGIMiddleware(app, secure=policy())
        self.documentation = SecureASGIMiddleware(app, secure=policy("'unsafe-inline'"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known: Any = self.documentation if scope.get("path") in DOCUMENTATION else self.strict
        await known(scope, receive, send)
