"""The page /docs works without internet."""

import re

from tests.unit.publisher.doubles import Api


async def test_nothing_that_the_page_loads_is_on_another_host_and_all_of_it_is_there(api: Api) -> None:
    answer = await api.client.get("/docs")
    loaded = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", answer.text)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert loaded
    assert not re.search(r"https?://|//", re.sub(r"(?m)^\s*//.*$|<!--.*?-->", "", answer.text))
    for url in loaded:
        assert url == "data:," or url.startswith("/")
        assert url == "data:," or (await api.client.get(url)).status_code == 200


async def test_a_browser_refuses_to_load_anything_from_another_host(api: Api) -> None:
    policy = (await api.client.get("/docs")).headers["content-security-policy"]

    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert "*" not in policy


async def test_the_styles_name_no_other_host(api: Api) -> None:
    styles = (await api.client.get("/docs/files/swagger-ui.css")).text

    assert all(url.startswith("data:") for url in re.findall(r"url\(\s*[\"']?([^)\"']+)", styles))
    assert "@import" not in styles
