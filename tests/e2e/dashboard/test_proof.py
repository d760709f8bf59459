"""The page Proof: a verdict that others can check again elsewhere, with this page's files."""

import hashlib
import json
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from deploy import ROOT
from playwright.sync_api import Browser, Page, expect
from tests.e2e.dashboard.gallery import HOSTILE_LOCK, Gallery
from tests.e2e.dashboard.pages import CHART
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import LOOKS, PATIENCE_MS, Look, OpenTab, Tab
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e


def see_verdict(tab: Tab, text: str = "No two runs overlapped") -> None:
    expect(tab.page.get_by_role("heading", name=text)).to_be_visible()


def see(tab: Tab, text: str) -> None:
    """See a text on the page, in however many parts it is drawn."""
    until(lambda: text in tab.text(), PATIENCE_MS / 1000, f"“{text}” on the page")


def download(tab: Tab, button: str, folder: Path) -> Path:
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name=button).click()
    target = folder / started.value.suggested_filename
    started.value.save_as(target)
    return target


def verify(stack: DashboardStack, command: str) -> "subprocess.CompletedProcess[str]":
    """Run the command that the page shows, for JSON in place of a page."""
    program, *words = shlex.split(command.replace("\\\n", ""))
    assert words[-2:] == ["--html", "verdict.html"]
    return subprocess.run(
        [ROOT / ".venv/bin" / program, *words[:-2], "--json"],
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_files_of_a_verdict_stand_without_the_dashboard(
    tab: Tab, stack: DashboardStack, gallery: Gallery, browser: Browser, tmp_path: Path
) -> None:
    lock = gallery.taken_over.lock
    tab.open("proof", lock=lock)
    see_verdict(tab)
    see(tab, "1 interruption")
    report = download(tab, "JSON", tmp_path)
    document = json.loads(report.read_text())
    assert document["holds"]
    assert document["counts"]["jobs"] >= 1
    assert document["results"]["I2"] == "holds"

    fingerprint = hashlib.sha256(report.read_bytes()).hexdigest()
    assert tab.page.locator("span.id").first.get_attribute("title") == fingerprint
    again = verify(stack, tab.page.locator("pre.command").inner_text())
    assert again.returncode == 0, again.stderr
    assert hashlib.sha256(again.stdout.encode()).hexdigest() == fingerprint, "the command comes to the same"

    page = download(tab, "Page for others", tmp_path)
    outside = browser.new_context(offline=True)
    opened = outside.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(page.as_uri())
    _see_page_for_others(opened, lock, document)
    outside.close()
    assert complaints == []


def _see_page_for_others(opened: Page, lock: str, document: dict[str, dict[str, int]]) -> None:
    expect(opened.get_by_role("heading", name="All checks passed")).to_be_visible()
    expect(opened.get_by_role("heading", name="What it cannot see")).to_be_visible()
    expect(opened.locator("svg rect.bar")).to_have_count(document["counts"]["runs"])
    expect(opened.locator("#picture")).to_contain_text(lock[:20])
    taken = document["counts"]["interruptions"]
    expect(opened.locator("svg line.over")).to_have_count(taken)
    if taken:
        expect(opened.locator("#take-over-table tr").nth(taken)).to_contain_text(re.compile("w.* → w.*"))
        expect(opened.locator("svg g[aria-label^='taken over: ']").first).to_be_visible()


def test_a_lock_is_chosen_and_its_verdict_can_be_sent_as_an_address(
    tab: Tab, open_tab: OpenTab, gallery: Gallery
) -> None:
    lock = gallery.completed.lock
    tab.open("proof")
    tab.page.get_by_role("combobox", name="Lock").fill(lock)
    tab.page.get_by_role("option", name=lock, exact=True).first.click()
    see_verdict(tab)
    expect(tab.page).to_have_url(re.compile(f"lock={lock}"))
    tab.page.get_by_text("7 days").click()
    tab.page.get_by_role("button", name="Check", exact=True).click()
    see_verdict(tab)
    other = open_tab()
    other.page.goto(tab.location())
    see_verdict(other)
    # Shared: nothing had to be asked for.
    see(other, "the 7 days until")


def test_check_again_reads_again(tab: Tab, gallery: Gallery) -> None:
    tab.open("proof", lock=gallery.failed.lock)
    see_verdict(tab)
    before = tab.page.locator("span.id").first.get_attribute("title")
    again = tab.page.get_by_role("button", name="Check again")
    again.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(f'span.id[title="{before}"]')).to_have_count(0)
    see_verdict(tab)
    expect(tab.page.locator("h1")).to_have_count(1)


def test_what_names_nothing_is_explained(tab: Tab) -> None:
    tab.open("proof", lock="nobody has used this")
    see_verdict(tab, "Nothing to check")
    see(tab, "The lock nobody has used this has no history.")
    tab.open("proof", lock="a\tb")
    expect(tab.page.get_by_text("No lock can have this name:")).to_be_visible()
    tab.open("proof", lock="x", period="between", since="soon")
    expect(tab.page.get_by_text("The address has a time that cannot be read: since=soon.")).to_be_visible()


@pytest.mark.usefixtures("gallery")
def test_storage_that_is_away_is_said_and_the_check_can_be_repeated(
    tab: Tab, dashboard: Dashboard, gallery: Gallery
) -> None:
    tab.open("proof", lock=gallery.resumed.lock)
    see_verdict(tab)
    dashboard.cut_storage()
    tab.page.get_by_role("button", name="Check again").click()
    expect(tab.page.get_by_text("Not checked: the storage does not answer")).to_be_visible()
    dashboard.heal()
    tab.page.get_by_role("button", name="Check again").click()
    see_verdict(tab)


def checks_of(dashboard: Dashboard) -> list[psutil.Process]:
    """Return the processes of the dashboard that check."""
    found = []
    for each in dashboard.family():
        # It may have ended since it was listed.
        with suppress(psutil.NoSuchProcess):
            found += [each] if "proof" in each.cmdline() else []
    return found


def test_a_check_that_takes_long_shows_what_it_does_and_can_be_stopped(
    tab: Tab, dashboard: Dashboard, stack: DashboardStack
) -> None:
    # Without its projector the trail stays behind, for which a check waits for half a minute.
    stack.projector.signal(signal.SIGSTOP)
    try:
        job = stack.api.submit("close-month", "waits-for-its-trail", {"entries": 1}, name="Close nothing")
        job.wait_for_end()
        tab.open("proof", lock=job.lock)
        expect(tab.page.get_by_role("heading", name="Checking")).to_be_visible()
        expect(tab.page.get_by_text("comparing the audit trail")).to_be_visible()
        assert len(checks_of(dashboard)) == 1
        tab.page.get_by_role("button", name="Stop").click()
        expect(tab.page.get_by_text("The check was stopped.")).to_be_visible()
        until(lambda: not checks_of(dashboard), 60, "the process of the check to end")
    finally:
        stack.projector.signal(signal.SIGCONT)
    tab.page.get_by_role("button", name="Check again").click()
    see_verdict(tab)
    expect(tab.page.get_by_text("The check was stopped.")).to_have_count(0)


def test_odd_names_are_shown_as_they_are(tab: Tab) -> None:
    tab.open("proof", lock=HOSTILE_LOCK)
    see_verdict(tab)
    see(tab, HOSTILE_LOCK)
    assert not tab.is_hacked()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_verdict_stays_where_it_is(open_tab: OpenTab, gallery: Gallery, look: Look) -> None:
    tab = open_tab(look)
    tab.open("proof", lock=gallery.taken_over.lock)
    see_verdict(tab)
    expect(tab.page.locator(CHART)).to_be_visible()
    assert tab.layout_shifts(2) == []
