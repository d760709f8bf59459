"""The list of jobs as a file for spreadsheets."""

import csv
import io

import pytest
from tests.conformance.documents import NOON, summary

from contracts.jobs import JobError
from dashboard.jobs_csv import COLUMNS, jobs_csv


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_job_is_a_row_with_all_that_the_list_knows() -> None:
    job = summary(
        NOON, name="Close of May", properties={"team": "finance", "a": "b"}, fence=7, worker="w-1",
        error=JobError(type="ValueError", message='no,\nsuch "month"'),
    )  # fmt: skip
    (row,) = read(jobs_csv([job]))
    assert tuple(row) == COLUMNS
    assert (row["job_id"], row["name"], row["fence"]) == (job.job_id, "Close of May", "7")
    assert (row["error_message"], row["properties"]) == ('no,\nsuch "month"', "a:b; team:finance")
    assert (row["submitted_at"], row["finished_at"]) == ("2026-01-01T12:00:00.123456+00:00", "")


@pytest.mark.parametrize("begin", ["=", " =", "\u00a0=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
@pytest.mark.parametrize("column", ["name", "worker", "actor", "lock", "kind"])
def test_no_cell_is_a_formula(begin: str, column: str) -> None:
    (row,) = read(jobs_csv([summary(NOON, **{column: f"{begin}cmd|' /C calc'!A0"})]))
    assert row[column] == f"'{begin}cmd|' /C calc'!A0"


def test_properties_and_errors_are_no_formulas_either() -> None:
    job = summary(NOON, properties={"=1": "x"}, error=JobError(type="=1", message="=1+1"))
    (row,) = read(jobs_csv([job]))
    assert [row[name] for name in ("properties", "error_type", "error_message")] == ["'=1:x", "'=1", "'=1+1"]


def test_no_job_is_a_heading_alone() -> None:
    assert jobs_csv([]) == ",".join(COLUMNS) + "\r\n"
