"""/api/v1/schedules."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import LONGEST_REASON, Kind

URL = "/api/v1/schedules/nightly"
BODY: dict[str, Any] = {
    "cron": "30 2 * * *",
    "zone": "Europe/Berlin",
    "job": {"kind": "ten-steps", "lock": "reports", "parameters": {"seconds": 1}},
}


async def put(api: Api, url: str = URL, actor: str = "ada", **fields: Any) -> Any:
    return await api.client.put(url, json={**BODY, **fields}, headers={"x-actor": actor})


async def test_put_creates_changes_and_leaves_a_schedule(api: Api) -> None:
    created = await put(api, reason="monthly close")
    assert (created.status_code, created.headers["location"]) == (201, URL)
    document = created.json()
    assert document == await api.get(URL)
    assert (document["name"], document["state"], document["words"]) == (
        "nightly",
        "active",
        "At 02:30 every day, Europe/Berlin",
    )
    assert len(document["next"]) == 5
    assert (document["last"], document["history"], document["last_status"]) == (None, [], None)
    again = await put(api, actor="bob")
    assert (again.status_code, again.json()) == (200, document)
    changed = await put(api, actor="bob", cron="0 3 * * *")
    assert (changed.status_code, changed.json()["changed_by"], changed.json()["created_by"]) == (
        200,
        "bob",
        "ada",
    )
    events = (await api.get(f"{URL}/events"))["items"]
    assert [(event["action"], event["actor"], event["reason"]) for event in events] == [
        ("created", "ada", "monthly close"),
        ("changed", "bob", ""),
    ]
    assert events[1]["data"]["changes"] == {"cron": {"from": "30 2 * * *", "to": "0 3 * * *"}}


async def test_a_run_says_which_job_it_submitted_and_the_schedule_how_that_ended(api: Api) -> None:
    await put(api)
    headers = {"x-actor": "bob", "idempotency-key": "k"}
    answer = await api.client.post(f"{URL}:run", json={"reason": "now"}, headers=headers)
    assert answer.status_code == 202
    ran = answer.json()
    assert (ran["outcome"], ran["trigger"]) == ("submitted", "hand")
    job = await api.get(f"/api/v1/jobs/{ran['job_id']}")
    assert (job["lock"], job["properties"]["schedule"]) == ("reports", "nightly")
    assert (await api.client.post(f"{URL}:run", headers=headers)).json() == ran
    body = {"idempotency_key": "k"}
    assert (await api.client.post(f"{URL}:run", json=body, headers={"x-actor": "bob"})).json() == ran
    differing = await api.client.post(f"{URL}:run", json={"idempotency_key": "l"}, headers=headers)
    assert (differing.status_code, differing.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    document = await api.get(URL)
    assert (document["last"], document["history"], document["last_status"]) == (ran, [ran], "Queued")
    await api.client.post(f"/api/v1/jobs/{ran['job_id']}/cancel")
    assert (await api.get(URL))["last_status"] == "Cancelled"


async def test_a_run_under_a_busy_lock_is_refused_with_the_job(api: Api) -> None:
    await put(api, job={**BODY["job"], "on_conflict": "reject"})
    first = (await api.client.post(f"{URL}:run")).json()["job_id"]
    answer = await api.client.post(f"{URL}:run")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:turnstile:problem:lock_busy")
    assert answer.json()["job_id"] == first


async def test_pause_and_resume(api: Api) -> None:
    await put(api)
    paused = (
        await api.client.post(f"{URL}:pause", json={"reason": " why "}, headers={"x-actor": "bob"})
    ).json()
    assert (paused["state"], paused["next"], paused["paused_by"], paused["pause_reason"]) == (
        "paused",
        [],
        "bob",
        "why",
    )
    resumed = await api.client.post(f"{URL}:resume")
    assert (resumed.status_code, resumed.json()["state"], len(resumed.json()["next"])) == (200, "active", 5)


async def test_a_deleted_schedule_is_gone_and_its_trail_stays(api: Api) -> None:
    created = (await put(api)).json()
    deleted = await api.client.request(
        "DELETE", URL, params={"reason": "no more"}, headers={"x-actor": "bob"}
    )
    assert (deleted.status_code, deleted.json()) == (200, created)
    for method, path in (("GET", URL), ("DELETE", URL), ("POST", f"{URL}:pause"), ("POST", f"{URL}:run")):
        answer = await api.client.request(method, path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:turnstile:problem:no_such_schedule")
    last = (await api.get(f"{URL}/events"))["items"][-1]
    assert (last["action"], last["actor"], last["reason"]) == ("deleted", "bob", "no more")
    assert (await api.client.get("/api/v1/schedules/never/events")).status_code == 404


async def test_lists_go_by_name_page_by_page(api: Api) -> None:
    for name in ("c", "a", "b"):
        await put(api, f"/api/v1/schedules/{name}")
    first = await api.get("/api/v1/schedules?limit=2")
    assert ([one["name"] for one in first["items"]], first["next"]) == (["a", "b"], "b")
    second = await api.get(f"/api/v1/schedules?limit=2&cursor={first['next']}")
    assert ([one["name"] for one in second["items"]], second["next"]) == (["c"], None)
    trail = await api.get("/api/v1/schedules/a/events?limit=1")
    assert (len(trail["items"]), trail["next"]) == (1, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "often"}, "cron"),
        ({"start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}, "end"),
        ({"start": "9999-12-31T23:59:59-14:00"}, "start"),
        ({"interval": 0}, "interval"),
        ({"interval": -1}, "interval"),
        ({"interval": 60}, "interval"),
        ({"misfire": "perhaps"}, "misfire"),
        ({"job": {"kind": "ten-steps", "on_conflict": "explode"}}, "job.on_conflict"),
        ({"job": {"kind": "no-such-kind"}}, "job.kind"),
        ({"job": {"kind": "ten-steps", "parameters": {"steps": "x"}}}, "job.parameters.steps"),
        ({"job": None}, "job"),
        ({"reason": "x" * (LONGEST_REASON + 1)}, "reason"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_what_cannot_be_names_the_field(api: Api, fields: dict[str, Any], field: str) -> None:
    schema = {"properties": {"steps": {"type": "integer"}}}
    await api.directory.publish_kind(
        Kind(kind="ten-steps", parameters=schema, published_at=datetime.now(UTC))
    )
    answer = await put(api, **fields)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"]
    assert (await api.client.get(URL)).status_code == 404


@pytest.mark.parametrize(
    "name", ["Nightly", "a%20b", "a%7Cb", "%C3%BC", "-a", "a" * 65, "a:b", "a%0A", "a%00b", "a'b"]
)
async def test_odd_names_are_refused_everywhere(api: Api, name: str) -> None:
    url = f"/api/v1/schedules/{name}"
    for method, path in (
        ("PUT", url),
        ("GET", url),
        ("DELETE", url),
        ("GET", f"{url}/events"),
        ("POST", f"{url}:run"),
    ):
        answer = await api.client.request(method, path, json=BODY if method == "PUT" else None)
        assert answer.status_code == 422, (method, path)
        assert answer.json()["errors"][0]["field"] == "name"


async def test_bodies_and_cursors_that_cannot_be_are_refused(api: Api) -> None:
    large = {
        **BODY,
        "description": "x" * 4000,
        "job": {"kind": "ten-steps", "parameters": {"x": "y" * 70_000}},
    }
    assert (await api.client.put(URL, json=large)).status_code == 413
    assert (
        await api.client.put(URL, content=b"{", headers={"content-type": "application/json"})
    ).status_code == 400
    assert (await api.client.put(URL, content=b"{}")).status_code == 415
    assert (await api.client.get("/api/v1/schedules?cursor=A|B")).status_code == 422
    assert (await api.client.get(f"{URL}/events?cursor=%27")).status_code == 422
    assert (await api.client.post(f"{URL}:pause", json={"whatever": 1})).status_code == 422


async def test_a_storage_that_is_away_is_named(api: Api) -> None:
    api.storage.is_away = True
    for method, path in (
        ("PUT", URL),
        ("GET", URL),
        ("DELETE", URL),
        ("GET", "/api/v1/schedules"),
        ("POST", f"{URL}:run"),
    ):
        answer = await api.client.request(method, path, json=BODY if method == "PUT" else None)
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:turnstile:problem:storage_unavailable",
        )
