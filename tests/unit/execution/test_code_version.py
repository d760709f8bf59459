"""Which files the code of a process came from, and whether they have changed."""

import os

import pytest

from worker.execution import code_version
from worker.execution.code_version import CodeVersion, loaded_files


def test_the_files_of_all_modules_are_named_once():
    files = loaded_files()
    assert code_version.__file__ in files
    assert len(set(files)) == len(files)


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "jobs.py"
    file.write_text("old")
    return file


def test_files_that_stay_are_the_same_version(file, tmp_path):
    assert CodeVersion([str(file), str(tmp_path / "never there")]).changed_file() is None


def remove(file):
    file.unlink()


def resize(file):
    moment = file.stat().st_mtime_ns
    file.write_text("longer")
    os.utime(file, ns=(moment, moment))


def touch(file):
    os.utime(file, ns=(1, 1))


@pytest.mark.parametrize("change", [remove, resize, touch])
def test_a_file_that_was_removed_or_written_again_is_named(file, change):
    version = CodeVersion([__file__, str(file)])
    change(file)
    assert version.changed_file() == str(file)
