"""GET /api/v1/jobs: what its filters mean, and what is said of wrong ones."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import JobPage, JobSummary
from contracts.statuses import JobStatus
from read_models import JobFilter, Watermark

JOBS = "/api/v1/jobs"
FOREIGN = (
    "belongs to another list, to this list with other filters, or to an earlier release; "
    "begin again without a cursor"
)


def summary(number: int) -> JobSummary:
    return JobSummary(
        job_id=f"job-{number}",
        kind="ten-steps",
        name="",
        lock="ledger",
        status=JobStatus.QUEUED,
        priority=5,
        properties={},
        attempt=0,
        interruptions=0,
        fence=None,
        worker=None,
        actor="api",
        error=None,
        trace_id=None,
        submitted_at=datetime(2026, 1, 1, 0, number, tzinfo=UTC),
        started_at=None,
        finished_at=None,
    )


@dataclass
class Asked:
    """What the read models were asked for."""

    questions: list[tuple[JobFilter, int, str | None]] = field(default_factory=list)

    @property
    def filters(self) -> list[JobFilter]:
        return [wanted for wanted, _, _ in self.questions]


@pytest.fixture
def asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked, jobs = Asked(), api.read_models.jobs

    async def ask(wanted: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        asked.questions.append((wanted, limit, cursor))
        return await jobs(wanted, limit, cursor)

    monkeypatch.setattr(api.read_models, "jobs", ask)
    return asked


async def test_without_filters_all_jobs_are_listed_in_pages(api: Api, asked: Asked) -> None:
    for number in range(5):
        api.read_models.summaries[f"job-{number}"] = summary(number), Watermark()
    first = await api.get(f"{JOBS}?limit=3")
    second = await api.get(f"{JOBS}?limit=3&cursor={first['next']}")

    newest_first = [f"job-{number}" for number in (4, 3, 2, 1, 0)]
    assert [job["job_id"] for job in first["items"] + second["items"]] == newest_first
    assert second["next"] is None
    assert asked.questions == [(JobFilter(), 3, None), (JobFilter(), 3, first["next"])]


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("status=Running", JobFilter(statuses=frozenset({JobStatus.RUNNING}))),
        (
            "status=Failed&status=TimedOut&status=Failed",
            JobFilter(statuses=frozenset({JobStatus.FAILED, JobStatus.TIMED_OUT})),
        ),
        ("kind=ten-steps&kind=ten-steps", JobFilter(kinds=frozenset({"ten-steps"}))),
        ("lock=%20B%C3%BCro/7%20", JobFilter(lock="Büro/7")),
        ("lock=Bu%CC%88ro/7", JobFilter(lock="Büro/7")),
        ("worker=w-1", JobFilter(worker="w-1")),
        ("name_prefix=Close%20", JobFilter(name_prefix="Close ")),
        ("name_contains=close", JobFilter(name_contains="close")),
        ("taken_over=true", JobFilter(taken_over=True)),
        ("taken_over=false", JobFilter()),
        ("finalized=true", JobFilter(with_finalized=True)),
        ("property=team:accounts", JobFilter(properties={"team": "accounts"})),
        ("property=a:b:c&property=d:", JobFilter(properties={"a": "b:c", "d": ""})),
        (
            "submitted_from=2026-11-29T08:00:00%2B02:00&submitted_before=2026-11-30T00:00:00.5z",
            JobFilter(
                submitted_from=datetime(2026, 11, 29, 6, tzinfo=UTC),
                submitted_before=datetime(2026, 11, 30, 0, 0, 0, 500_000, tzinfo=UTC),
            ),
        ),
        (
            "kind=k&lock=l&status=Queued",
            JobFilter(kinds=frozenset({"k"}), lock="l", statuses=frozenset({JobStatus.QUEUED})),
        ),
    ],
)
async def test_the_read_models_are_asked_for_what_the_filters_say(
    api: Api, asked: Asked, question: str, wanted: JobFilter
) -> None:
    answer = await api.client.get(f"{JOBS}?{question}")

    assert answer.status_code == 200, answer.text
    assert asked.questions == [(wanted, 100, None)]


@pytest.mark.parametrize(
    ("question", "field", "remedy"),
    [
        ("status=Done", "status[0]", "'Failed', 'Cancelled', 'TimedOut' or 'Expired'"),
        ("status=Queued&status=running", "status[1]", "'Running'"),
        ("state=Queued", "state", "is not a parameter of this path; known: status, kind, lock, worker"),
        ("lock=a&status=Failed&lock=b", "lock", "is given several times, and has one value"),
        ("limit=1&limit=2", "limit", "is given several times, and has one value"),
        ("taken_over=maybe", "taken_over", "must be true or false, not 'maybe'"),
        ("taken_over=true&taken_over=true", "taken_over", "is given several times, and has one value"),
        ("properties=a:b", "properties", "is not a parameter of this path; known: status, kind, lock"),
        ("kind=", "kind[0]", "must not be empty"),
        ("lock=", "lock", "must not be empty"),
        ("lock=a%E2%80%AEb", "lock", "must not contain the invisible character"),
        ("worker=" + 201 * "w", "worker", "at most 200 characters"),
        ("property=team", "property[0]", "write it like team:accounts"),
        ("property=a:b&property=:b", "property[1]", "write it like team:accounts"),
        ("submitted_from=2026-11-29", "submitted_from", "write it like 2026-11-29T08:00:00Z"),
        ("submitted_from=1764403200", "submitted_from", "write it like 2026-11-29T08:00:00Z"),
        ("submitted_from=2026-11-29T08:00:00", "submitted_from", "write it like 2026-11-29T08:00:00Z"),
        ("submitted_before=2026-11-29T08:00:00+02:00", "submitted_before", "in a URL, + is %2B"),
        ("submitted_before=2026-13-29T08:00:00Z", "submitted_before", "write it like 2026-11-29T08:00:00Z"),
        ("submitted_before=0001-01-01T00:00:00%2B02:00", "submitted_before", "write it like"),
        ("limit=0", "limit", "must be at least 1"),
        ("limit=201", "limit", "must be at most 200"),
        ("cursor=nonsense", "cursor", "use the `next` value of the previous page"),
    ],
)
async def test_a_wrong_filter_is_refused_by_its_name_with_the_remedy(
    api: Api, question: str, field: str, remedy: str
) -> None:
    answer = await api.client.get(f"{JOBS}?{question}")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:turnstile:problem:invalid_fields")
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert remedy in error["message"]
    assert error["message"] in answer.json()["detail"]


async def test_only_jobs_that_were_taken_over_are_listed_if_asked_for(api: Api) -> None:
    for number in range(4):
        job = summary(number).model_copy(update={"interruptions": number % 2})
        api.read_models.summaries[job.job_id] = job, Watermark()
    found = await api.get(f"{JOBS}?taken_over=true")
    assert [job["job_id"] for job in found["items"]] == ["job-3", "job-1"]


async def test_every_wrong_filter_is_named(api: Api, asked: Asked) -> None:
    answer = await api.client.get(f"{JOBS}?status=Done&limit=0&colour=red")

    assert {error["field"] for error in answer.json()["errors"]} == {"status[0]", "limit", "colour"}
    assert asked.questions == []


async def test_no_job_has_two_values_of_one_property(api: Api, asked: Asked) -> None:
    of_team = summary(1).model_copy(update={"properties": {"team": "a"}})
    api.read_models.summaries["job-1"] = of_team, Watermark()

    assert await api.get(f"{JOBS}?property=team:a&property=team:b") == {
        "items": [], "next": None, "looked_through": 0, "looked_back_to": None
    }  # fmt: skip
    assert (await api.get(f"{JOBS}?property=team:a&property=team:a"))["items"]
    assert asked.filters == [JobFilter(properties={"team": "a"})]


async def test_a_cursor_of_other_filters_or_of_another_list_is_refused_with_the_remedy(api: Api) -> None:
    for number in range(5):
        api.read_models.summaries[f"job-{number}"] = summary(number), Watermark()
    cursor = (await api.get(f"{JOBS}?limit=2&lock=ledger"))["next"]
    assert len((await api.get(f"{JOBS}?limit=2&lock=ledger&cursor={cursor}"))["items"]) == 2
    later = "submitted_from=2026-01-01T00:00:00Z"
    assert len((await api.get(f"{JOBS}?limit=2&lock=ledger&{later}&cursor={cursor}"))["items"]) == 2
    others = [JOBS, f"{JOBS}?lock=other", f"{JOBS}?lock=ledger&taken_over=true"]
    for path in (*others, "/api/v1/events", "/api/v1/locks"):
        answer = await api.client.get(path, params={"cursor": cursor})
        assert answer.status_code == 422, path
        (error,) = answer.json()["errors"]
        assert error == {"field": "cursor", "message": FOREIGN}
        assert FOREIGN in answer.json()["detail"]
