"""What pages of other sites have a browser send is refused; answers say what browsers may do with them."""

import httpx
import pytest
from tests.unit.publisher.doubles import Api

from publisher.http.site import refuse
from service_defaults.site_guard import LOOPBACK_HOSTS, SiteGuard

HOST = "127.0.0.1:8000"
JOB = {"kind": "ten-steps"}


def client(api: Api, hosts: frozenset[str] | None = LOOPBACK_HOSTS) -> httpx.AsyncClient:
    guarded = SiteGuard(api.app, hosts=hosts, refuse=refuse)
    return httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url=f"http://{HOST}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "LOCALHOST:1", "localhost.", "[::1]:8000", "127.8.8.8"]
)
async def test_this_machine_may_be_named_in_any_way(api: Api, host: str) -> None:
    async with client(api) as http:
        assert (await http.get("/api/v1/jobs", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "10.0.0.1",
        "0.0.0.0:8000",
        "[::]:8000",
        "publisher",
        "127.0.0.1@evil.example",
        "2130706433",
        "",
    ],
)
async def test_a_name_that_was_pointed_here_is_refused(api: Api, host: str) -> None:
    async with client(api) as http:
        for method, path in (
            ("GET", "/api/v1/jobs"),
            ("POST", "/api/v1/jobs"),
            ("GET", "/docs"),
            ("GET", "/no"),
        ):
            answer = await http.request(method, path, headers={"Host": host}, json=JOB)
            assert answer.status_code == 421
            assert answer.json()["type"] == "urn:turnstile:problem:wrong_host"
            assert "TURNSTILE_ALLOWED_HOSTS" in answer.json()["detail"]


async def test_health_checks_may_name_any_host(api: Api) -> None:
    async with client(api) as http:
        assert (await http.get("/health/live", headers={"Host": "10.0.0.1:8000"})).status_code != 421


async def test_further_hosts_can_be_allowed(api: Api) -> None:
    async with client(api, LOOPBACK_HOSTS | {"turnstile.example"}) as http:
        good = {"Host": "turnstile.example"}
        assert (await http.get("/api/v1/jobs", headers=good)).status_code == 200
        origin = {"Origin": "https://turnstile.example"}
        assert (await http.post("/api/v1/jobs", headers=origin, json=JOB)).status_code == 202
    async with client(api, None) as http:
        assert (await http.get("/api/v1/jobs", headers={"Host": "any"})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "http://evil.example"},
    ],
)
async def test_what_a_page_of_another_site_sends_is_refused(api: Api, headers: dict[str, str]) -> None:
    async with client(api) as http:
        answer = await http.post("/api/v1/jobs", headers=headers, json=JOB)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:turnstile:problem:cross_site_request"
    assert not api.storage.calls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
async def test_what_the_own_pages_send_and_what_a_person_opens_is_answered(
    api: Api, headers: dict[str, str]
) -> None:
    async with client(api) as http:
        assert (await http.get("/api/v1/jobs", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/docs", "/openapi.json", "/nowhere", "/api/v1/jobs/x"])
async def test_every_answer_says_what_a_browser_may_do_with_it(api: Api, path: str) -> None:
    async with client(api) as http:
        headers = (await http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert len(headers.get_list("content-security-policy")) == 1
    assert "access-control-allow-origin" not in headers
    assert (headers.get("cache-control") == "no-store") == path.startswith("/api/")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "//evil.example/%2e%2e",
        "/docs/files//evil.example/",
        "/docs/",
        "/api/v1/jobs/",
        "/?next=http://evil.example",
        "/docs/files",
    ],
)
async def test_no_answer_leads_to_another_site(api: Api, path: str) -> None:
    async with client(api) as http:
        answer = await http.send(
            http.build_request("GET", httpx.URL(f"http://{HOST}").copy_with(raw_path=path.encode()))
        )
    assert answer.headers.get("location", "/docs") == "/docs"
