"""What supervisor and runner may say, and what a message is once it is made."""

import pytest
from pydantic import ValidationError

from worker.execution import messages
from worker.execution.tracing import RunnerTracing, no_tracing


@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (messages.read_from_runner, b'{"type":"done","run":1,"more":2}'),
        (messages.read_to_runner, b'{"type":"cancel","more":2}'),
    ],
)
def test_an_unknown_field_is_refused(read, frame):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        read(frame)


def test_a_message_stays_as_it_was_made():
    done = messages.Done(run=1)
    with pytest.raises(ValidationError, match="frozen"):
        done.run = 2
    assert done == messages.Done(run=1)


@pytest.mark.parametrize("wants_spans", [True, False])
def test_without_tracing_a_runner_traces_nothing(wants_spans):
    assert type(no_tracing(wants_spans)) is RunnerTracing
