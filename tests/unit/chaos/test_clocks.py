"""Whether a service's clock was moved can be told from outside."""

import time
from email.utils import formatdate

import httpx
import pytest
from tests.chaos.clocks import is_ahead


@pytest.mark.parametrize("ahead", [0, 3600, -3600])
def test_a_moved_clock_shows_in_the_date_of_answers(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    def get(url: str) -> httpx.Response:
        return httpx.Response(200, headers={"date": formatdate(time.time() + ahead, usegmt=True)})

    monkeypatch.setattr(httpx, "get", get)
    shown = [wanted for wanted in (0, 3600, -3600) if is_ahead("http://scheduler", wanted)]
    assert shown == [ahead]
