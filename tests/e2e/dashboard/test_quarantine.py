"""The page of quarantine: what a service could not use is shown as it came, and stays."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.gallery import HOSTILE_NAME
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import LOOKS, Look, OpenTab, Tab
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: A look at quarantine serves all viewers for so long.
SHARED_SECONDS = 15.0

LONG = b'{"version": 9, "padding": "' + b"x" * 9000 + b'"}'


@pytest.fixture
def two_messages(stack: DashboardStack) -> Iterator[None]:
    """Put two messages into quarantine, and take them out after the test."""
    broker = stack.broker
    for body in (HOSTILE_NAME.encode(), LONG):
        broker.send(broker.topology.jobs_exchange, "submit", body)
    until(lambda: broker.ready(broker.topology.quarantine_queue) == 2, 60, "two messages in quarantine")
    yield
    broker.purge(broker.topology.quarantine_queue)


def look_again(tab: Tab) -> None:
    """Look, as an earlier test may just have looked."""
    tab.page.get_by_role("button", name="Look again").click()


def test_an_empty_quarantine_explains_itself(tab: Tab) -> None:
    tab.open("quarantine")
    look_again(tab)
    expect(tab.page.get_by_text("Nothing is in quarantine.").last).to_be_visible()
    expect(tab.page.get_by_text("when a service cannot understand it")).to_be_visible()


def test_messages_are_shown_with_reason_and_body_as_they_came(
    tab: Tab, stack: DashboardStack, two_messages: None
) -> None:
    tab.open("quarantine")
    look_again(tab)
    first, second = (tab.page.get_by_label("Message in quarantine").nth(n) for n in range(2))
    expect(tab.page.get_by_text("2 messages are in quarantine.")).to_be_visible()
    expect(first.get_by_role("heading")).to_contain_text("the body is not JSON")
    expect(first.locator("pre")).to_have_text(HOSTILE_NAME)
    expect(first).to_contain_text(stack.broker.topology.submissions_queue)
    expect(second.get_by_role("heading")).to_contain_text("version: must be 1")
    expect(second).to_contain_text(f"Body, the first 4,096 of {len(LONG):,} bytes")
    assert not tab.is_hacked()
    # They are still there after each look.
    queue = stack.broker.topology.quarantine_queue
    until(lambda: stack.broker.ready(queue) == 2, 60, "both to be back")


def test_viewers_share_a_look(tab: Tab, dashboard: Dashboard, two_messages: None) -> None:
    tab.open("quarantine")
    look_again(tab)
    expect(tab.page.get_by_text("2 messages are in quarantine.")).to_be_visible()
    before, began = dashboard.publisher_requests, time.monotonic()
    for _ in range(4):
        tab.open("quarantine")
    # A look that was shared for long enough is followed by another one.
    assert dashboard.publisher_requests - before <= (time.monotonic() - began) // SHARED_SECONDS + 1


def test_a_publisher_that_is_away_is_said_and_heals(tab: Tab, dashboard: Dashboard) -> None:
    tab.open("quarantine")
    dashboard.cut_publisher()
    look_again(tab)
    expect(tab.page.get_by_text("Quarantine cannot be read now.")).to_be_visible()
    dashboard.heal()
    look_again(tab)
    expect(tab.page.get_by_text("Nothing is in quarantine.").last).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_fits_every_window(open_tab: OpenTab, look: Look, two_messages: None) -> None:
    tab = open_tab(look).open("quarantine")
    look_again(tab)
    expect(tab.page.locator("pre")).to_have_count(2)
    assert tab.too_wide() == []
    tab.screenshot("quarantine")
