"""The key that the dashboard sends to the publisher."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from dashboard.publisher_api import PublisherApi
from dashboard.publisher_connection import PublisherAwayError, RefusedError
from dashboard.settings import DashboardSettings

KEY, OTHER = "ts_k3m9x2ab_" + "A" * 43, "ts_k3m9x2ac_" + "B" * 43
STORAGE = SecretStr("AccountName=a;AccountKey=b")


def settings(**given: Any) -> DashboardSettings:
    return DashboardSettings(storage_connection_string=STORAGE, **given)


class Publisher:
    """Answers who has the key as one that may read, and nothing else."""

    def __init__(self) -> None:
        self.key = KEY

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _problem(401, "unauthenticated", "Send an API key that is good.")
        if request.method != "GET":
            return _problem(403, "missing_scope", "Client dashboard lacks the scope cancel.")
        return httpx.Response(200, json={"items": [], "next": None})


def _problem(status: int, name: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"type": f"urn:turnstile:problem:{name}", "detail": detail})


def connected(publisher: Publisher, found: DashboardSettings) -> PublisherApi:
    return PublisherApi("http://publisher", auth=found.auth, transport=httpx.MockTransport(publisher))


def test_a_key_is_sent_with_each_request() -> None:
    api = connected(Publisher(), settings(api_key=SecretStr(KEY)))
    assert api.kinds() == []
    with pytest.raises(RefusedError, match="lacks the scope cancel") as refused:
        api.cancel("018f6c3e-7b1a-7c4e-9d3a-0123456789ab", "maria", "")
    assert refused.value.name == "missing_scope"


def test_a_key_that_was_replaced_in_its_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{OTHER}\n")
    api = connected(Publisher(), settings(api_key_file=file))
    with pytest.raises(PublisherAwayError, match="refuses the dashboard: Send an API key that is good"):
        api.kinds()
    file.write_text(KEY)
    assert api.kinds() == []


def test_without_a_key_none_is_sent() -> None:
    assert settings().auth is None


@pytest.mark.parametrize("given", [{"api_key": SecretStr("a b")}, {"api_key_file": Path("/nowhere/key")}])
def test_what_can_be_no_key_is_refused_at_the_start(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"is not an API key|cannot be read"):
        settings(**given)
