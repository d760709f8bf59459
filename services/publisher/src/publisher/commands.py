"""The SubmitJob command: jobs asked for through RabbitMQ instead of HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from contracts.messages import SubmitJob
from contracts.topology import Topology
from publisher.telemetry import RequestTelemetry
from service_defaults.broker.message_reader import MessageReader
from service_defaults.broker.topology import jobs_exchange, submissions_queue
from submission import ActorError, Patience, SubmissionService, caller


@dataclass(frozen=True)
class SubmitCommands:
    """Carries out SubmitJob commands; what can never succeed goes to quarantine with the reason."""

    reader: MessageReader
    submissions: SubmissionService
    patience: Patience
    telemetry: RequestTelemetry

    async def submit_job(self, message: RabbitMessage) -> None:
        """Submit the job a message asks for. A redelivery with the same content is a success.

        A command that fails goes back into its queue, and after DELIVERY_LIMIT failures to quarantine.
        """
        try:
            await self._submit_or_refuse(message)
        except Exception:
            # From 4.3 on RabbitMQ counts no failure for a nack, with which FastStream would answer.
            await message.reject(requeue=True)
            raise

    async def _submit_or_refuse(self, message: RabbitMessage) -> None:
        command = await self.reader.parse(message, SubmitJob)
        if command is None:
            return
        refusal = await self._carry_out(command, message.headers)
        if refusal is not None:
            await self.reader.quarantine(message, refusal)

    async def _carry_out(self, command: SubmitJob, headers: Mapping[str, Any]) -> str | None:
        """Submit the job; return the reason when that can never be done."""
        if command.job.job_id is None and command.job.idempotency_key is None:
            return "job.job_id: is required, or job.idempotency_key, so that a redelivery cannot submit twice"
        try:
            caller(command.actor)
        except ActorError as error:
            return f"actor: {error}"
        return await self.patience.submit(lambda: self._submit(command, headers))

    async def _submit(self, command: SubmitJob, headers: Mapping[str, Any]) -> None:
        with self.telemetry.submission(headers) as submitting:
            submitting.asks(command.job)
            accepted = await self.submissions.accept(command.job, command.actor, submitting.traceparent)
            submitting.ends(accepted)


def subscribe(broker: RabbitBroker, topology: Topology, commands: SubmitCommands, at_once: int) -> None:
    """Consume the submissions queue."""
    broker.subscriber(
        submissions_queue(topology),
        jobs_exchange(topology),
        channel=Channel(prefetch_count=at_once),
        # Acknowledged when the handler returns; what it raises is an outage that outlasted all patience.
        ack_policy=AckPolicy.NACK_ON_ERROR,
        # An answer would go wherever the message says.
        no_reply=True,
        title="SubmitJob",
        description=SubmitJob.__doc__,
    )(commands.submit_job)
