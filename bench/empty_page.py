"""An empty page of Streamlit, served as the dashboard serves its pages: `python -m bench.empty_page`."""

import os
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.starlette import App


async def ready(_: Any) -> PlainTextResponse:
    """Answer that the server is there."""
    return PlainTextResponse("ready")


if __name__ == "__main__":
    # Started as a service is, by its environment.
    script, port = os.environ["EMPTY_PAGE"], int(os.environ["TURNSTILE_PORT"])  # noqa: TID251
    app = App(script, routes=[Route("/health/ready", ready)])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
