"""A version that stands in two places is the same in both."""

import json
import re

import yaml
from deploy.settings import ROOT


def test_the_images_take_the_uv_that_is_pinned() -> None:
    (tag,) = re.findall(
        r"^FROM ghcr.io/astral-sh/uv:(\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    assert f"uv=={tag}" == (ROOT / "requirements/uv.in").read_text().strip()


def test_both_ways_to_run_take_the_same_azurite() -> None:
    image = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["azurite"]["image"]
    package = json.loads((ROOT / "deploy/azurite/package.json").read_text())
    assert image.rpartition(":")[2] == package["dependencies"]["azurite"]


def test_nothing_that_is_locked_names_an_address_to_load_it_from() -> None:
    for locked in (ROOT / "requirements").iterdir():
        assert "://" not in locked.read_text()
    assert '"resolved"' not in (ROOT / "deploy/azurite/package-lock.json").read_text()
