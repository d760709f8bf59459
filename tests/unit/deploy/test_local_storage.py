"""A stack starts its storage emulator with the local storage, or unchanged, as the setting says."""

import json
import re
from pathlib import Path

import pytest
import yaml
from deploy import ROOT
from deploy.errors import SettingError
from deploy.servers import nodejs
from deploy.servers.storage import PACKAGE_FOLDER
from deploy.stack.settings import StackSettings

PRELOAD = PACKAGE_FOLDER / "local_storage/preload.js"


def _settings(tmp_path: Path, **values: str) -> StackSettings:
    return StackSettings.load(tmp_path / "none", values)


def test_the_local_storage_is_the_default(tmp_path: Path) -> None:
    storage = _settings(tmp_path).own_storage
    assert storage is not None
    command = storage.command()
    assert command.arguments[:3] == (nodejs.program(), "--require", str(PRELOAD))
    assert PRELOAD.is_file()
    assert command.environment == {"TURNSTILE_LOCAL_STORAGE": "indexed"}


def test_the_emulator_can_run_unchanged(tmp_path: Path) -> None:
    storage = _settings(tmp_path, TURNSTILE_LOCAL_STORAGE="emulator").own_storage
    assert storage is not None
    arguments = storage.command().arguments
    assert arguments[0] == nodejs.program()
    assert "--require" not in arguments


def test_another_value_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match="TURNSTILE_LOCAL_STORAGE must be indexed or emulator, not 'sqlite'"
    ):
        _ = _settings(tmp_path, TURNSTILE_LOCAL_STORAGE="sqlite").own_storage


def test_the_container_loads_the_same_files() -> None:
    container = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["azurite"]
    mounts = dict(volume.split(":")[:2] for volume in container["volumes"])
    (preload,) = re.findall(r"--require=(\S+)", container["environment"]["NODE_OPTIONS"])
    assert Path(preload).name == PRELOAD.name
    assert (
        ROOT / next(here for here, there in mounts.items() if there == str(Path(preload).parent))
        == PRELOAD.parent
    )
    assert container["environment"]["TURNSTILE_LOCAL_STORAGE"] == "${TURNSTILE_LOCAL_STORAGE:-indexed}"


def test_the_binding_is_pinned() -> None:
    package = json.loads((PACKAGE_FOLDER / "package.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["dependencies"]["node-sqlite3-wasm"])
