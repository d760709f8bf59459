"""What a worker's settings say of the jobs that it runs, and what is refused at its start."""

from typing import Any

import pytest
from pydantic import ValidationError

from worker.settings import WorkerSettings


def settings(**about: str) -> WorkerSettings:
    known: dict[str, Any] = {
        "storage_connection_string": "AccountName=a;AccountKey=b",
    }
    return WorkerSettings(**known | about)


def test_a_worker_serves_the_default_pool_and_has_no_properties_and_limits() -> None:
    made = settings()
    assert (made.pool_names, made.properties_by_name, made.limits_by_kind) == (["default"], {}, {})


def test_pools_properties_and_limits_are_lists_with_commas() -> None:
    made = settings(
        pools=" reports , gpu,gpu",
        worker_properties="machine = premium, zone=eu=1",
        kind_limits="import=1,report=12",
    )
    assert made.pool_names == ["gpu", "reports"]
    assert made.properties_by_name == {"machine": "premium", "zone": "eu=1"}
    assert made.limits_by_kind == {"import": 1, "report": 12}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pools", "GPU", "must be 1 to 64 lower-case letters"),
        ("pools", "gpu,,x", "must be 1 to 64 lower-case letters"),
        ("pools", ",".join(f"p{number}" for number in range(17)), "at most 16 pools"),
        ("worker_properties", "machine", "must be name=value pairs separated by commas, not 'machine'"),
        ("worker_properties", "machine=", "must be name=value pairs separated by commas, not 'machine='"),
        ("worker_properties", "a=1,a=2", "must have each name once: 'a' is there twice"),
        ("worker_properties", "a:b=1", "without a colon"),
        ("worker_properties", "a=" + "x" * 257, "values of at most 256"),
        ("worker_properties", ",".join(f"p{number}=1" for number in range(33)), "at most 32 properties"),
        ("kind_limits", "import", "must be name=value pairs separated by commas, not 'import'"),
        ("kind_limits", "import=0", "must say from 1 to 256 jobs for the kind import, not '0'"),
        ("kind_limits", "import=many", "must say from 1 to 256 jobs for the kind import, not 'many'"),
        ("kind_limits", "Import=1", "must be 1 to 64 lower-case letters"),
    ],
)
def test_what_cannot_be_used_is_refused_and_says_what_it_must_be(name: str, value: str, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**{name: value})
    [found] = error.value.errors()
    assert found["loc"] == (name,)
    assert message in found["msg"]
