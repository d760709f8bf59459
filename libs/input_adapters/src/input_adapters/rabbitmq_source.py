"""Where a queue on RabbitMQ is, as a file of inputs says it."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from yarl import URL

from inputs.secret_references import Secret

_QueueName = Annotated[str, Field(min_length=1, max_length=255)]


class RabbitMQSource(BaseModel):
    """Where a queue is, and where its dead letters go. Both queues exist already."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    #: amqp://user:password@host:5672/vhost, or amqps://.
    url: Secret
    queue: _QueueName
    dead_letters: _QueueName

    @field_validator("url")
    @classmethod
    def _is_an_amqp_address(cls, value: SecretStr) -> SecretStr:
        try:
            address = URL(value.get_secret_value())
            is_usable = address.scheme in {"amqp", "amqps"} and bool(address.host)
        except ValueError:
            # Its message would show a part of the password.
            is_usable = False
        if not is_usable:
            raise ValueError("must look like amqps://user:password@host:5671/vhost")
        if "no_verify_ssl" in address.query:
            raise ValueError("must not have no_verify_ssl: give cafile= for an authority of your own")
        return value

    @model_validator(mode="after")
    def _dead_letters_leave_the_queue(self) -> Self:
        if self.dead_letters == self.queue:
            raise ValueError("dead_letters: must be another queue than queue")
        return self
