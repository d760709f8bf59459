"""How much history a runner takes, and what becomes of a run that has more."""

import pytest
from tests.unit.execution.pretending import a_run

from coordination.holder.runs import StepRecord
from coordination.outcomes import Failed
from worker.execution.history import parts_of, refusal

MEBI = 1024 * 1024


def test_a_history_of_more_than_a_quarter_of_a_runners_memory_is_refused_with_its_size():
    records = [StepRecord(str(number), "x" * MEBI) for number in range(33)]
    found = refusal(a_run(recorded=records, state="s"), 128 * MEBI)
    assert isinstance(found, Failed)
    assert found.type == "HistoryTooLarge"
    assert "the results of 33 recorded steps take 33.0 MiB" in found.message
    assert "32.0 MiB, a quarter of TURNSTILE_RUNNER_MEMORY_MIB: raise that setting" in found.message
    assert refusal(a_run(recorded=records[:31], state="s"), 128 * MEBI) is None


@pytest.mark.parametrize("parameters", ["{}", "x" * 2000])
def test_parameters_alone_are_no_history(parameters):
    assert refusal(a_run(parameters=parameters), 1000) is None


def test_characters_count_as_much_as_they_take():
    record = StepRecord("a", "\N{GRINNING FACE}" * 1000)
    assert refusal(a_run(recorded=[record]), 4 * 3000) is not None
    assert refusal(a_run(recorded=[record]), 4 * 5000) is None


def test_without_a_limit_of_memory_there_is_none_of_history():
    assert refusal(a_run(recorded=[StepRecord("a", "x" * MEBI)]), None) is None


def test_a_run_without_history_has_one_empty_part():
    assert list(parts_of(a_run())) == [{}]
