"""What the local storage holds survives kills, stops, and the change from the unchanged emulator."""

import asyncio
import json
import os
import subprocess
import uuid
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobLeaseClient, BlobServiceClient
from deploy.servers import private
from deploy.servers.storage import EMULATOR, PACKAGE_FOLDER, Storage, StoragePorts
from tests.e2e.waiting import until
from tests.integration.local_storage.sqlites import IN_WEBASSEMBLY, OF_NODE, use
from tests.storage_crashes.crashes import crash
from tests.storage_crashes.writers import LostError

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

on_both = pytest.mark.usefixtures("sqlite")

ROW = {"PartitionKey": "p", "RowKey": "r", "Number": 7, "Content": b"\x00\xff"}


@on_both
def test_kills_in_the_middle_of_writes_lose_nothing(tmp_path: Path) -> None:
    report = asyncio.run(crash(tmp_path, kills=4, seed=1))
    assert report.kills == 4
    assert report.acknowledged > 4
    assert report.unknown > 0


def test_the_same_kills_show_what_the_unchanged_emulator_loses(tmp_path: Path) -> None:
    with pytest.raises(LostError):
        asyncio.run(crash(tmp_path, kills=4, seed=1, kept_in=EMULATOR))


@on_both
def test_a_lease_lasts_as_long_after_a_kill_as_it_was_granted(tmp_path: Path) -> None:
    with private.azurite(tmp_path) as server, _blobs(server) as blobs:
        container = blobs.create_container("leases")
        leases = {}
        for name, seconds in (("short", 15), ("long", 60)):
            blob = container.upload_blob(name, b"")
            leases[name] = BlobLeaseClient(blob)
            leases[name].acquire(lease_duration=seconds)
        server.kill()
        server.start()
        assert not _is_free(container.get_blob_client("long"))
        leases["long"].renew()
        until(lambda: _is_free(container.get_blob_client("short")), 30, "the short lease to run out")
        assert not _is_free(container.get_blob_client("long"))


@on_both
def test_content_of_blobs_survives_a_kill(tmp_path: Path) -> None:
    with private.azurite(tmp_path) as server, _blobs(server) as blobs:
        content = bytes(range(256)) * 40
        blobs.create_container("content").upload_blob("one", content, metadata={"made": "here"})
        server.kill()
        server.start()
        blob = blobs.get_blob_client("content", "one")
        assert blob.download_blob().readall() == content
        assert blob.get_blob_properties().metadata == {"made": "here"}


@on_both
def test_a_table_that_is_deleted_and_created_again_is_empty(tmp_path: Path) -> None:
    with private.azurite(tmp_path) as server, _tables(server) as tables:
        tables.create_table("again").create_entity(ROW)
        tables.delete_table("again")
        with pytest.raises(ResourceNotFoundError):
            list(tables.get_table_client("again").list_entities())
        assert list(tables.create_table("again").list_entities()) == []
        server.stop()
        server.start()
        assert list(tables.get_table_client("again").list_entities()) == []
        assert [table.name for table in tables.list_tables()] == ["again"]


@on_both
def test_what_the_unchanged_emulator_stored_is_taken_over_once(tmp_path: Path) -> None:
    with private.azurite(tmp_path, kept_in=EMULATOR) as server, _tables(server) as tables:
        tables.create_table("before").create_entity(ROW)
        with _blobs(server) as blobs:
            container = blobs.create_container("before")
            container.upload_blob("blob", b"content")
            BlobLeaseClient(container.get_blob_client("blob")).acquire(lease_duration=-1)
        server.stop()
    with private.azurite(tmp_path) as server, _tables(server) as tables:
        assert dict(tables.get_table_client("before").get_entity("p", "r")) == ROW
        with _blobs(server) as blobs:
            blob = blobs.get_blob_client("before", "blob")
            assert blob.download_blob().readall() == b"content"
            assert not _is_free(blob)
    # A second life on the old copy would repeat what happened since.
    assert not list((tmp_path / "data").glob("__azurite_db_*.json"))
    with private.azurite(tmp_path, kept_in=EMULATOR) as server, _tables(server) as tables:
        assert list(tables.list_tables()) == []


@pytest.mark.parametrize("kinds", [(OF_NODE, IN_WEBASSEMBLY), (IN_WEBASSEMBLY, OF_NODE)])
def test_each_kind_of_sqlite_reads_what_the_other_wrote_before_a_kill(
    tmp_path: Path, kinds: tuple[str, str]
) -> None:
    for number, kind in enumerate(kinds):
        with pytest.MonkeyPatch.context() as patch:
            use(kind, patch)
            with private.azurite(tmp_path) as server, _tables(server) as tables, _blobs(server) as blobs:
                table = tables.create_table_if_not_exists("both")
                rows = [dict(row) for row in table.list_entities()]
                assert rows == [{**ROW, "RowKey": str(before)} for before in range(number)]
                table.create_entity({**ROW, "RowKey": str(number)})
                container = blobs.get_container_client("both")
                if number == 0:
                    container.create_container()
                    BlobLeaseClient(container.upload_blob("leased", b"")).acquire(lease_duration=-1)
                assert not _is_free(container.get_blob_client("leased"))
                server.kill()


def test_the_log_says_once_that_sqlite_runs_in_webassembly(tmp_path: Path, sqlite: str) -> None:
    with private.azurite(tmp_path) as server, _tables(server) as tables:
        tables.create_table("one")
    log = (tmp_path / "azurite.log").read_text()
    assert log.count("SQLite runs in WebAssembly") == (1 if sqlite == IN_WEBASSEMBLY else 0)


@on_both
def test_a_second_process_does_not_touch_the_data_of_the_first(tmp_path: Path) -> None:
    with private.azurite(tmp_path) as server, _tables(server) as tables:
        table = tables.create_table("mine")
        command = Storage(tmp_path, StoragePorts(1, 2, 3)).command()
        second = subprocess.run(
            command.argv(), cwd=command.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert second.returncode == 1
        assert "Another process uses the data" in second.stdout + second.stderr
        table.create_entity(ROW)
        server.kill()
        server.start()
        assert dict(table.get_entity("p", "r")) == ROW


def test_what_comes_after_a_transaction_was_undone_is_refused_and_not_done_alone() -> None:
    private.ensure_installed()
    script = Path(__file__).with_name("late_transaction.js")
    command = ["node", str(script), str(PACKAGE_FOLDER / "local_storage")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    answers = {"ends": ["done", 500], "first": "done", "second": 500, "next": "done", "page": "rows"}
    assert found["answers"] == answers
    assert found["log"] == ["begin", "first", "undo", "begin", "next", "commit"]


def test_other_programs_of_node_run_as_without_it() -> None:
    private.ensure_installed()
    preload = PACKAGE_FOLDER / "local_storage/preload.js"
    done = subprocess.run(
        ["node", "-e", "console.log(1)"],
        env={**os.environ, "NODE_OPTIONS": f"--require={preload}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)


def _tables(server: private.Azurite) -> TableServiceClient:
    return TableServiceClient.from_connection_string(server.connection_string)


def _blobs(server: private.Azurite) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(server.connection_string)


def _take(blob: object) -> None:
    BlobLeaseClient(blob, str(uuid.uuid4())).acquire(lease_duration=15)  # type: ignore[arg-type]


def _is_free(blob: object) -> bool:
    try:
        _take(blob)
    except ResourceExistsError:
        return False
    return True
