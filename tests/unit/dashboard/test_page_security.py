"""What the middleware adds to answers, and what it leaves alone."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dashboard.page_security import POLICY, PageSecurity

PAGE = "<!doctype html><html><head><title>é</title></head><body><head></body></html>"


async def page(_: Any) -> Response:
    return HTMLResponse(PAGE, headers={"ETag": "of the page as it was"})


async def numbers(_: Any) -> Response:
    return JSONResponse({"html": "<head>"})


async def get(path: str, accept: str, base_path: str = "") -> httpx.Response:
    app = Starlette(routes=[Route("/", page), Route("/numbers", numbers)])
    transport = httpx.ASGITransport(PageSecurity(app, base_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as client:
        return await client.get(path, headers={"Accept": accept})


@pytest.mark.parametrize(("base_path", "address"), [("", "/"), ("ops/turnstile", "/ops/turnstile/")])
async def test_the_page_knows_its_servers_address(base_path: str, address: str) -> None:
    answer = await get("/", "text/html,*/*", base_path)
    script = f"<script>window.__streamlit={{BACKEND_BASE_URL:location.origin+'{address}'}}</script>"
    assert answer.text == PAGE.replace("<head>", f"<head>{script}", 1)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
async def test_other_answers_stay_as_they_are(accept: str) -> None:
    assert (await get("/numbers", accept)).json() == {"html": "<head>"}


async def test_a_page_that_was_not_asked_for_by_a_browser_stays_as_it_is() -> None:
    assert (await get("/", "*/*")).text == PAGE


@pytest.mark.parametrize("path", ["/", "/numbers", "/missing"])
async def test_every_answer_forbids_other_hosts(path: str) -> None:
    headers = (await get(path, "text/html")).headers
    assert headers["content-security-policy"] == POLICY
    assert "default-src 'self'" in POLICY
    assert "http" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
