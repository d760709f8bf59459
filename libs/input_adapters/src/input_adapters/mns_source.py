"""Where a queue of Alibaba's Simple Message Queue (MNS) is, as a file of inputs says it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from yarl import URL

from inputs.secret_references import Secret

#: What the name of a queue may be.
_QueueName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,119}$")]


class MnsSource(BaseModel):
    """Where a queue is, and where its dead letters go. Both queues exist already."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    #: https://ACCOUNT.mns.REGION.aliyuncs.com
    endpoint: str
    access_key_id: Secret
    access_key_secret: Secret
    #: For temporary credentials.
    security_token: Secret | None = None
    queue: _QueueName
    dead_letters: _QueueName
    #: How bodies are written: most SDKs send base64. With auto, what looks like a JSON object is text.
    body: Literal["base64", "text", "auto"] = "base64"

    @field_validator("endpoint")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        try:
            address = URL(value)
            is_usable = address.scheme in {"http", "https"} and bool(address.host)
        except ValueError:
            is_usable = False
        if not is_usable or address.user or address.query_string or address.path not in {"", "/"}:
            raise ValueError("must look like https://ACCOUNT.mns.REGION.aliyuncs.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _dead_letters_leave_the_queue(self) -> Self:
        if self.dead_letters == self.queue:
            raise ValueError("dead_letters: must be another queue than queue")
        return self
