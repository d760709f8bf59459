"""A client of the publisher's HTTP API, for programs that submit jobs and wait for them.

    from turnstile import Client

    with Client("http://127.0.0.1:8000", actor="billing") as turnstile:
        accepted = turnstile.submit("close-month", {"month": "2026-11"}, lock="ledger-2026")
        booked = turnstile.result(accepted, as_=Booked)

`AsyncClient` has the same methods as coroutines and asynchronous iterators. The extra `turnstile[client]`
installs what the clients need; job authors do without.

A client makes the id of each job that it submits. So it may send a submission again when its answer was
lost, and the job cannot run twice. Each call is repeated, with pauses that grow or that `Retry-After`
names, until the publisher has answered or `timeout` seconds are over.
"""

from turnstile.client.asynchronous import AsyncClient
from turnstile.client.errors import (
    CancelledError,
    ClientError,
    ClosedError,
    ConflictError,
    ExpiredError,
    FailedError,
    InvalidArgumentError,
    NoResultError,
    NotEndedError,
    NotFoundError,
    RefusedError,
    RemovedError,
    TimedOutError,
    UnavailableError,
    UnexpectedAnswerError,
    WrongResultError,
)
from turnstile.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "CancelledError",
    "Client",
    "ClientError",
    "ClosedError",
    "ConflictError",
    "ExpiredError",
    "FailedError",
    "InvalidArgumentError",
    "NoResultError",
    "NotEndedError",
    "NotFoundError",
    "RefusedError",
    "RemovedError",
    "TimedOutError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "WrongResultError",
]
