"""Under a strict umask, containers either read what they need, or a sentence says what to do."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from deploy import ROOT
from deploy.errors import StackError
from deploy.stack.shared_files import SHARED, make_inputs, refuse_unreadable


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in SHARED:
        (tmp_path / name / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "file").touch()
        (tmp_path / name / "__pycache__/file.pyc").touch(0o600)
    return tmp_path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_checkout_that_everyone_can_read_is_taken(checkout: Path) -> None:
    refuse_unreadable(checkout)


@pytest.mark.parametrize(
    ("name", "bits"), [("grafana", 0o700), ("grafana/file", 0o600), ("libs/file", 0o640)]
)
def test_what_only_its_owner_can_read_is_named_with_its_mode(checkout: Path, name: str, bits: int) -> None:
    (checkout / name).chmod(bits)
    with pytest.raises(
        StackError, match=f"{checkout / name} has the mode {bits:04o}, .*chmod -R a"
    ) as refused:
        refuse_unreadable(checkout)
    # The command mends it.
    subprocess.run(str(refused.value).split("`")[1], shell=True, cwd=checkout, check=True)
    refuse_unreadable(checkout)


def test_all_that_compose_mounts_from_the_checkout_is_looked_at() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    sources = [volume.partition(":")[0] for service in services for volume in service.get("volumes", ())]
    mounted = [Path(source) for source in sources if source.startswith("./")]
    assert mounted
    for path in mounted:
        assert any(path.is_relative_to(name) for name in SHARED), path


def test_the_folder_for_inputs_is_readable_whatever_the_umask(tmp_path: Path, strict_umask: None) -> None:
    make_inputs(tmp_path / "data/inputs", own=True)
    assert mode(tmp_path / "data/inputs") == 0o755
    assert mode(tmp_path / "data") == 0o700
    make_inputs(tmp_path / "data/inputs", own=True)


def test_a_users_folder_is_named_instead_of_being_changed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(StackError, match=r"TURNSTILE_INPUT_FOLDER names .* mode 0700"):
        make_inputs(tmp_path, own=False)
    assert mode(tmp_path) == 0o700
    tmp_path.chmod(0o755)
    make_inputs(tmp_path, own=False)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="file/inputs for the input of jobs cannot be made: Not a directory"):
        make_inputs(tmp_path / "file/inputs", own=True)
