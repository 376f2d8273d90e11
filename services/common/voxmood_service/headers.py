"""What a browser is told with every answer: load nothing from elsewhere, show it in no other page, keep no copy.
An answer that says something else of itself keeps it.

No cross-origin header is ever sent, so that pages of others cannot read an answer. HTTPS, and the header that insists
on it, are the affair of the proxy in front.
"""

from secure import Secure
from secure.headers import (
    CacheControl,
    ContentSecurityPolicy,
    ReferrerPolicy,
    XContentTypeOptions,
    XFrameOptions,
)
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        self.app, self.strict, self.documentation = app, policy().headers, policy("'unsafe-inline'").headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self.documentation if scope.get("path") in DOCUMENTATION else self.strict

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = MutableHeaders(scope=message)
                for name, value in headers.items():
                    known.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, told)
