"""Entry point of the dashboard: reads settings, wires the storage and the board to the pages, no more."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit import config
from streamlit.starlette import App

from dashboard import streamlit_logs
from dashboard.page_security import PageSecurity
from dashboard.requests import RequestCount
from dashboard.settings import DashboardSettings
from dashboard.site import make_site, use_site
from service_defaults.health import Health

_SCRIPT = Path(__file__).with_name("script.py")


def create_app(settings: DashboardSettings) -> Callable[..., Any]:
    """Build the dashboard. Neither the storage nor the publisher needs to be there when it is started."""
    streamlit_logs.adopt()
    site = make_site(settings, RequestCount())

    @asynccontextmanager
    async def running(_: App) -> AsyncGenerator[None]:
        use_site(site)
        site.start()
        try:
            yield
        finally:
            use_site(None)
            site.close()

    health = Health({"storage": site.check})
    routes = [Route(path, answer) for path, answer in health.routes()]
    middleware = [Middleware(PageSecurity, base_path=settings.base_path)]
    app = App(_SCRIPT, lifespan=running, routes=routes, middleware=middleware)
    # Not before the application is made: it tells Streamlit where the script is, and thus its config.toml.
    config.set_option("server.baseUrlPath", settings.base_path)
    config.set_option("server.port", settings.port)
    config.set_option("server.address", settings.host)
    return app
