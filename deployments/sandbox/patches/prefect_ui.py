"""The Prefect command line whose UI sends no telemetry: a sandbox calls no other host; run as a module.

The UI asks a host of its analytics for a configuration, whatever PREFECT_SERVER_ANALYTICS_ENABLED says. A content
security policy in the server's pages keeps the browser from asking any host but the server.
"""

from __future__ import annotations

from typing import Any

from prefect.server.api import server
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"


class SameOriginOnly:
    """Middleware that puts the policy on every page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with one header more."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        await self._app(scope, receive, send_with_policy)


def install() -> None:
    """Patch the server in this process."""
    original = server.create_ui_app

    def create_ui_app(ephemeral: bool) -> Any:
        app = original(ephemeral)
        app.add_middleware(SameOriginOnly)
        return app

    server.create_ui_app = create_ui_app


if __name__ == "__main__":
    from prefect.cli import app

    install()
    app()
