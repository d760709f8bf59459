"""The page /docs: Swagger UI from the files of an installed package, so that it works without internet."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_FILES = "/docs/files"

#: A browser refuses what a later Swagger UI might ask of another host. FastAPI's page has a script in itself.
_POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def install(app: FastAPI) -> None:
    """Add the page and its files."""
    page = get_swagger_ui_html(
        openapi_url=app.openapi_url or "",
        title=f"{app.title} API",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url="data:,",
        # Otherwise Swagger UI sends the address of the document to a validator on the internet.
        swagger_ui_parameters={"validatorUrl": None},
    )
    page.headers["Content-Security-Policy"] = _POLICY

    async def docs() -> HTMLResponse:
        return page

    app.mount(_FILES, StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.add_api_route("/docs", docs, include_in_schema=False)
