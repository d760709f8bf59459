"""Relative links and anchors in the documentation lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy import ROOT

AT_THE_TOP = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md"]
PAGES = [*(ROOT / name for name in AT_THE_TOP), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_an_anchor_that_exist(page: Path) -> None:
    assert list(_broken(page)) == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def _broken(page: Path) -> Iterator[str]:
    for link in LINK.findall(re.sub("`[^`]*`", "code", _without_code_blocks(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file():
            yield f"{link}: there is no such file"
        elif "docs" in page.relative_to(ROOT).parts and not _is_in_the_site(target):
            yield f"{link}: the site has no such page"
        elif anchor and anchor not in set(_anchors(target)):
            yield f"{link}: the page has no such heading"


def _is_in_the_site(target: Path) -> bool:
    # deploy/documentation/hooks.py adds these pages to those of docs/.
    return target.is_relative_to(ROOT / "docs") or target in {ROOT / name for name in AT_THE_TOP[1:]}


def _anchors(page: Path) -> Iterator[str]:
    """Yield the anchors of the headings, as code hosts and the site make them."""
    for heading in re.findall(r"^#+ (.+)$", _without_code_blocks(page), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _without_code_blocks(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
