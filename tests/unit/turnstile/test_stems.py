"""The part of a step's name that code fixes, for names of spans that data cannot multiply."""

from collections.abc import Callable
from typing import Any

import pytest

from turnstile import JobContext, SyncJobContext
from turnstile.channels import Attempt
from turnstile.stems import stem_of
from turnstile.testing import InMemoryChannel


def literal(_: object) -> str:
    return "load"


def formatted(data: object) -> str:
    return f"import {data}"


def numbered(data: object) -> str:
    return f"page{data}"


def listed(data: object) -> str:
    for name in ("read ledger", "book"):
        if name.startswith(str(data)):
            return name
    return ""


def made_of_data(data: object) -> str:
    return str(data) + " imported"


def opened(data: object) -> str:
    return str(data).strip("a")


@pytest.mark.parametrize(
    ("naming", "data", "stem"),
    [
        (literal, "", "load"),
        (formatted, "ACME", "import"),
        (formatted, "import ACME", "import"),
        (formatted, "", "import"),
        (numbered, 17, "page"),
        (listed, "book", "book"),
        (listed, "read", "read ledger"),
        (made_of_data, "ACME", ""),
        # A text that the name begins with by chance.
        (opened, "bacon", ""),
        (opened, "a-1", ""),
    ],
)
def test_the_stem_is_what_the_code_fixes(naming: Callable[[object], str], data: object, stem: str) -> None:
    assert stem_of(naming(data), naming.__code__) == stem


def test_stems_are_no_more_than_the_texts_in_the_code_whatever_the_data() -> None:
    stems = {stem_of(formatted(data), formatted.__code__) for data in range(10_000)}
    assert stems == {"import"}


class Noting(InMemoryChannel):
    """Notes the stems of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.stems: list[tuple[str, str]] = []

    def step_scope(self, name: str, stem: str) -> Any:
        self.stems.append((name, stem))
        return super().step_scope(name, stem)


ATTEMPT = Attempt(
    job_id="one",
    kind="k",
    lock="ledger",
    attempt=1,
    interruptions=0,
    fence=1,
    traceparent=None,
    recorded={},
    state=None,
)
STEMS = [("import ACME", "import"), ("load", "load"), ("load#2", "load"), ("fetch 1", "fetch")]


async def test_a_step_of_an_async_handler_has_the_stem_of_its_call() -> None:
    channel, customer = Noting(), "ACME"
    context = JobContext(ATTEMPT, channel)
    async with context.step(f"import {customer}"):
        pass
    for _ in range(2):
        async with context.step("load"):
            pass
    await context.run_step(f"fetch {1}", lambda: None)
    assert channel.stems == STEMS


def test_a_step_of_a_plain_handler_has_the_stem_of_its_call() -> None:
    channel, customer = Noting(), "ACME"
    context = SyncJobContext(ATTEMPT, channel)
    with context.step(f"import {customer}"):
        pass
    for _ in range(2):
        with context.step("load"):
            pass
    context.run_step(f"fetch {1}", lambda: None)
    assert channel.stems == STEMS
