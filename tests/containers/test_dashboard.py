"""The dashboard's container shows the stack in a real Chromium, without writing a file."""

import pytest
from playwright.sync_api import expect
from tests.containers.compose_stack import ComposeStack, docker
from tests.e2e.dashboard.browsers import chromium
from tests.e2e.dashboard.tab import LIGHT
from tests.e2e.dashboard.windows import lone_tab

# The images are built within the first test's time.
pytestmark = pytest.mark.timeout(1200)


def test_the_dashboard_is_drawn_from_what_its_image_contains(stack: ComposeStack) -> None:
    job_id = stack.submit(kind="ten-steps", lock="shown", parameters={"steps": 1, "seconds": 0.1})
    stack.wait_for(job_id, "Completed", seconds=60)
    with chromium() as browser:
        tab = lone_tab(browser, stack.dashboard, LIGHT).open()
        expect(tab.sentence).to_contain_text("lock")
        assert tab.complaints == []
        tab.close()


def test_the_dashboard_writes_nothing(stack: ComposeStack) -> None:
    (container,) = stack.containers("dashboard")
    assert docker("exec", container, "find", "/tmp", "-type", "f") == ""
