"""The web application around the use cases."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi.telemetry import TelemetryConfig

from publisher.http import aliases, batches, docs_page, documentation, problems, routes, schedules
from publisher.use_cases import UseCases

#: A span and a duration for every request of a caller; exporters and logs are set up once for all services.
_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "logs": False,
    "operation_spans": False,
    "exclude": lambda scope: scope["path"].startswith(("/health/", "/metrics")),
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def make_application(use_cases: UseCases | None = None, lifespan: Lifespan | None = None) -> FastAPI:
    """Build the web application; its lifespan puts the use cases into `state`, unless they are given."""
    app = FastAPI(
        title="Turnstile",
        version=version("turnstile-publisher"),
        summary="Long jobs, one at a time per lock, and the proof of it.",
        description=documentation.DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        telemetry=_TELEMETRY,
    )
    app.include_router(routes.router)
    app.include_router(batches.router)
    app.include_router(schedules.router)
    app.include_router(aliases.router)
    app.add_api_route("/", _to_documentation, include_in_schema=False)
    problems.install(app)
    documentation.install(app)
    docs_page.install(app)
    if use_cases is not None:
        app.state.use_cases = use_cases
    return app


async def _to_documentation() -> RedirectResponse:
    return RedirectResponse("/docs")
