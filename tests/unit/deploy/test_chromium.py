"""The tests of pages find the system's Chromium, or say what to do."""

from pathlib import Path

import pytest
from deploy.errors import InstallError
from deploy.servers import installation


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, on a machine where nothing may be installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TEST_CHROMIUM", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return tmp_path


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_it_is_found_under_each_of_its_names(programs: Path, name: str) -> None:
    (programs / name).touch(mode=0o755)
    assert installation.ensure_chromium() == str(programs / name)


def test_one_that_is_named_comes_first(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("chromium", "mine"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("TEST_CHROMIUM", "mine")
    assert installation.ensure_chromium() == str(programs / "mine")


def test_one_that_is_named_and_does_not_exist_is_not_replaced(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "chromium").touch(mode=0o755)
    monkeypatch.setenv("TEST_CHROMIUM", "mine")
    with pytest.raises(InstallError, match="TEST_CHROMIUM names mine, which is not a program"):
        installation.ensure_chromium()


def test_without_one_the_message_names_what_to_install(programs: Path) -> None:
    (programs / "apt-get").touch(mode=0o755)
    with pytest.raises(InstallError) as caught:
        installation.ensure_chromium()
    assert str(caught.value) == (
        "Please run `sudo apt-get install chromium fonts-liberation`, "
        "or set TEST_CHROMIUM to the path of another Chromium."
    )


def test_a_package_without_a_program_is_not_passed_over(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        "deploy.install.system_packages.install", lambda *names, otherwise: installed.append(names)
    )
    with pytest.raises(InstallError, match="has no program on the PATH"):
        installation.ensure_chromium()
    assert installed == [("chromium", "fonts-liberation")]
