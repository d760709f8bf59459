"""A publisher with a file of keys: who is let in, what changes while it runs, and what browsers may send."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.publisher.running import running, settings_for
from tests.waiting import until

from command_line.keys.editing import Grant, add_key, remove_key
from contracts.access import Role
from contracts.api_keys import new_key

pytestmark = pytest.mark.integration

JOBS = "/api/v1/jobs"
JOB = {"kind": "ten-steps", "lock": "ledger-1"}


async def test_keys_are_made_and_revoked_while_the_publisher_runs(
    rabbitmq: RabbitMQ, azurite: Azurite, tmp_path: Path
) -> None:
    file = tmp_path / "keys.toml"
    first, second = (new_key(datetime.now(UTC).replace(microsecond=0), None) for _ in range(2))
    add_key(file, "billing", Grant(role=Role.SUBMITTER, locks=("ledger-",)), first)
    settings = settings_for(rabbitmq.url, azurite.connection_string).model_copy(update={"keys_file": file})
    async with running(settings) as publisher:
        await until(publisher.is_ready)
        assert (await publisher.client.get(JOBS)).status_code == 401
        publisher.client.headers["Authorization"] = f"Bearer {first.text}"
        job_id = (await publisher.client.post(JOBS, json=JOB)).raise_for_status().json()["job_id"]
        (event,) = (await publisher.client.get(f"{JOBS}/{job_id}/events")).json()["items"]
        assert event["actor"] == "billing"
        assert (await publisher.client.post(JOBS, json=JOB | {"lock": "payroll"})).status_code == 403
        assert (await publisher.client.post(f"{JOBS}/{job_id}/cancel")).status_code == 403

        add_key(file, "billing", Grant(), second)
        remove_key(file, first.stored.id)

        async def is_revoked() -> bool:
            return (await publisher.client.get(JOBS)).status_code == 401

        await until(is_revoked)
        publisher.client.headers["Authorization"] = f"Bearer {second.text}"
        assert (await publisher.client.get(f"{JOBS}/{job_id}")).status_code == 200


async def test_a_publisher_on_the_loopback_needs_no_key_and_takes_no_request_of_another_site(
    rabbitmq: RabbitMQ, azurite: Azurite
) -> None:
    async with running(settings_for(rabbitmq.url, azurite.connection_string)) as publisher:
        await until(publisher.is_ready)
        assert (await publisher.client.get(JOBS)).status_code == 200
        for headers, status in (
            ({"Host": "evil.example"}, 421),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": publisher.url}, 202),
        ):
            assert (await publisher.client.post(JOBS, json=JOB, headers=headers)).status_code == status
