"""Hostile messages through a real RabbitMQ to real services: each is set aside once, with the reason.

FUZZ_MESSAGES is how many fuzzed ones come on top of those made by hand, FUZZ_SEED what they are drawn from.
"""

import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import aio_pika
import pytest
from pamqp.commands import Basic
from pydantic import BaseModel
from tests.e2e.stack import Stack
from tests.e2e.waiting import until
from tests.integration.fuzz.hostile_headers import PROPERTIES
from tests.integration.fuzz.hostile_messages import MODELS, fuzzed, good, monsters

from contracts import topology
from contracts.messages import EventGroup, Hint, JobEvents, RunJob, SubmitJob
from service_defaults.broker import NotUnderstoodError, parse_body
from service_defaults.broker.faststream_internals import tolerate_any_properties

pytestmark = pytest.mark.integration

_MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "300"))
_SEED = int(os.environ.get("FUZZ_SEED", "1"))


@dataclass(frozen=True)
class Sent:
    """A message on its way."""

    exchange: str
    key: str
    body: bytes
    properties: Basic.Properties


@dataclass(frozen=True)
class Found:
    """A message in quarantine."""

    body: bytes
    reason: str


@dataclass(frozen=True)
class Post:
    """Sends to the services' queues, and looks into quarantine."""

    stack: Stack

    def to(self, model: type[BaseModel], body: bytes, properties: Basic.Properties | None = None) -> Sent:
        names = self.stack.broker.topology
        exchange, key = {
            RunJob: (names.jobs_exchange, topology.RUN),
            SubmitJob: (names.jobs_exchange, topology.SUBMIT),
            JobEvents: (names.events_exchange, topology.EVENTS),
            EventGroup: (names.events_exchange, topology.EVENTS),
            Hint: (names.control_exchange, "hint"),
        }[model]
        return Sent(exchange, key, body, properties or Basic.Properties())

    def send(self, messages: Iterable[Sent]) -> None:
        async def publish(channel: aio_pika.abc.AbstractChannel) -> None:
            under = await channel.get_underlay_channel()
            for one in messages:
                await under.basic_publish(
                    one.body,
                    exchange=one.exchange,
                    routing_key=one.key,
                    properties=one.properties,
                    mandatory=True,
                )

        self.stack.broker.do(publish)

    def wait_until_set_aside(self, number: int) -> list[Found]:
        """Wait until so many are in quarantine and no queue has any; returns them."""
        names = self.stack.broker.topology
        queues = (names.jobs_queue, names.submissions_queue, names.projector_queue)

        def state() -> dict[str, int]:
            return {queue: self.stack.broker.ready(queue) for queue in (*queues, names.quarantine_queue)}

        def all_are_there() -> bool:
            ready = state()
            return ready.pop(names.quarantine_queue) >= number and not any(ready.values())

        try:
            until(all_are_there, 60 + number / 20, f"{number} messages in quarantine and empty queues")
        except AssertionError as error:
            raise AssertionError(f"{error}: {state()}") from None
        return [Found(message.body, message.reason) for message in self.stack.broker.quarantined()]

    def check(self, messages: list[Sent]) -> None:
        """Send messages that must all be set aside, and see that they are, once each, with the reason."""
        processes = {service.name: service.pid for service in self.stack.services()}
        for service in self.stack.services():
            service.mark_log()
        self.send(messages)
        found = self.wait_until_set_aside(len(messages))
        assert Counter(one.body for one in found) == Counter(one.body for one in messages)
        assert all(one.reason for one in found), [one for one in found if not one.reason][:3]
        self.stack.wait_until_all_work(20)
        assert {service.name: service.pid for service in self.stack.services()} == processes
        assert not self.stack.unexpected_tracebacks()
        assert not any(service.has_logged("connection_lost") for service in self.stack.services())
        # They hear as well as before.
        job = self.stack.api.submit("nothing", self.stack.new_lock())
        assert job.wait_for_end(20)["status"] == "Completed"
        assert self.stack.broker.ready(self.stack.broker.topology.quarantine_queue) == 0


@pytest.fixture
def post(stack: Stack) -> Post:
    tolerate_any_properties()
    return Post(stack)


def test_monsters_are_set_aside(post: Post) -> None:
    post.check([post.to(model, body) for model in MODELS for body in monsters(model).values()])


def test_hostile_properties_do_not_keep_a_body_from_being_set_aside(post: Post) -> None:
    post.check(
        [
            post.to(model, json.dumps({"case": f"{model.__name__}: {name}"}).encode(), properties)
            for model in MODELS
            for name, properties in PROPERTIES.items()
        ]
    )


def test_fuzzed_bodies_are_set_aside(post: Post) -> None:
    messages = []
    for model, body in fuzzed(_SEED, 10 * _MESSAGES):
        try:
            parse_body(body, model)
        except NotUnderstoodError:
            messages.append(post.to(model, body))
    post.check(messages[:_MESSAGES])


def test_what_is_understood_and_can_never_be_done_is_set_aside(post: Post) -> None:
    run, submit, events = good(RunJob), good(SubmitJob), good(JobEvents)
    job = submit["job"] | {"job_id": str(uuid.uuid4())}
    used = post.stack.api.submit("nothing", post.stack.new_lock())
    names = ["", " \t", "a\x00b", "\u202ea", "\u200b", "x" * 201, "..", "\ufeff"]
    wrong_jobs = [
        *(submit["job"] | {"job_id": wrong} for wrong in (None, "", "7", f"{{{uuid.uuid4()}}}", "x" * 1000)),
        job | {"kind": "nobody-knows-this"},
        job | {"kind": "ten-steps", "parameters": {"seconds": "long"}},
        job | {"kind": "ten-steps", "parameters": {"__proto__": 1}},
        job | {"properties": {"\x01" * 60 + f"{number:04d}": "\x01" * 256 for number in range(32)}},
        job | {"job_id": used.id},
        *(job | {"lock": name} for name in names),
    ]
    bodies: list[tuple[type[BaseModel], object]] = [
        *((RunJob, run | {"lock": name}) for name in names),
        *((JobEvents, events | {"lock": name}) for name in names),
        (JobEvents, events | {"job_id": "../../x"}),
        *((SubmitJob, submit | {"job": wrong}) for wrong in wrong_jobs),
        *(
            (SubmitJob, submit | {"job": job, "actor": actor})
            for actor in ("", "x" * 101, "a\x00b", "\u202e")
        ),
    ]
    post.check([post.to(model, json.dumps(body).encode()) for model, body in bodies])


@pytest.mark.parametrize("properties", PROPERTIES.values(), ids=PROPERTIES)
def test_hostile_properties_do_not_keep_a_job_from_being_done(
    post: Post, properties: Basic.Properties
) -> None:
    names = post.stack.broker.topology
    job_id, lock = str(uuid.uuid4()), post.stack.new_lock()
    command = {"version": 1, "job": {"kind": "nothing", "lock": lock, "job_id": job_id}}
    post.send([post.to(SubmitJob, json.dumps(command).encode(), properties)])

    def is_there() -> bool:
        return post.stack.api.client.get(f"/api/v1/jobs/{job_id}").status_code == 200

    until(is_there, 20, "the job to be accepted")
    post.send([post.to(RunJob, json.dumps({"version": 1, "lock": lock}).encode(), properties)])
    assert post.stack.api.job(job_id, lock).wait_for_end(20)["status"] == "Completed"
    assert post.stack.broker.ready(names.quarantine_queue) == 0


def test_a_good_message_is_understood_by_everyone(post: Post) -> None:
    """The tests above could not fail if everything were set aside."""
    messages = [
        post.to(model, json.dumps(good(model)).encode()) for model in (RunJob, JobEvents, EventGroup, Hint)
    ]
    post.send(messages)
    assert post.wait_until_set_aside(0) == []
