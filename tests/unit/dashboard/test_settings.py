"""The dashboard's settings: where it reaches the publisher, and where people do."""

from typing import Any

import pytest
import yaml
from deploy import ROOT
from pydantic import ValidationError

from dashboard.settings import DashboardSettings

INSIDE, PEOPLE = "http://publisher:8000", "https://jobs.example"


def settings(**given: Any) -> DashboardSettings:
    return DashboardSettings(storage_connection_string="AccountName=a;AccountKey=b", **given)


def test_people_reach_the_publisher_where_the_dashboard_does_unless_told_otherwise() -> None:
    assert settings(url=INSIDE + "/").public_url == INSIDE
    found = settings(url=INSIDE, publisher_public_url=PEOPLE + "/")
    assert (found.url, found.public_url) == (INSIDE, PEOPLE)


def test_an_empty_setting_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSTILE_PUBLISHER_PUBLIC_URL", "")
    assert settings(url=INSIDE).public_url == INSIDE


@pytest.mark.parametrize("address", ["jobs.example", "javascript:alert(1)"])
def test_an_address_that_no_command_could_use_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="must start with http"):
        settings(publisher_public_url=address)


def test_containers_show_an_address_that_people_reach() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    shown = services["dashboard"]["environment"]["TURNSTILE_PUBLISHER_PUBLIC_URL"]
    port = "${TURNSTILE_PUBLISHER_PORT:-8000}"
    assert f"http://127.0.0.1:{port}" in shown
    assert services["publisher"]["ports"] == [f"127.0.0.1:{port}:8000"]
