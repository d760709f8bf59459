"""Whether a runner may run another job."""

import gc
import mmap

import pytest

from turnstile import JobContext, job, kind_of
from worker.execution import runner_reuse
from worker.execution.runner_reuse import ReuseRules, private_bytes

MIB = 1024 * 1024


def a_kind(**about):
    @job("k", **about)
    async def body(ctx: JobContext): ...

    return kind_of(body)


@pytest.fixture
def sizes(monkeypatch):
    """The sizes that are measured, one after the other; the last stays."""
    sizes = []
    monkeypatch.setattr(runner_reuse, "private_bytes", lambda: sizes.pop(0) if len(sizes) > 1 else sizes[0])
    return sizes


def test_without_limits_a_runner_is_used_for_ever():
    rules = ReuseRules()
    assert {rules.refusal(a_kind()) for _ in range(1000)} == {""}


def test_a_kind_with_fresh_processes_leaves_none_to_others():
    assert ReuseRules().refusal(a_kind(fresh_process=True)) == "kind 'k' has each process for one job"


def test_a_process_runs_so_many_jobs_of_a_kind():
    rules, kind = ReuseRules(), a_kind(max_jobs_per_process=2)
    assert rules.refusal(kind) == ""
    assert rules.refusal(kind) == ("it has run 2 jobs of kind 'k', as many as max_jobs_per_process allows")


@pytest.mark.parametrize(("size", "is_refused"), [(200 * MIB, False), (200 * MIB + 1, True)])
def test_by_default_a_quarter_of_what_a_new_process_has_left_may_stay_taken(sizes, size, is_refused):
    sizes.append(100 * MIB)
    rules = ReuseRules(None, 500 * MIB)
    sizes[:] = [size]
    text = "it kept 200 MiB after a job of kind 'k', more than 200 MiB"
    assert rules.refusal(a_kind()) == (text if is_refused else "")


def test_a_process_that_is_larger_than_its_limit_from_the_start_is_used_while_it_does_not_grow(sizes):
    sizes.append(600 * MIB)
    rules = ReuseRules(None, 500 * MIB)
    assert rules.refusal(a_kind()) == ""


@pytest.mark.parametrize("kind_limit", [None, 300])
def test_the_limit_of_the_kind_comes_before_that_of_the_worker(sizes, kind_limit):
    sizes.append(250 * MIB)
    refusal = ReuseRules(200 * MIB, 10_000 * MIB).refusal(a_kind(max_process_mib=kind_limit))
    assert bool(refusal) == (kind_limit is None)


def test_memory_that_can_be_returned_is_no_leak(sizes):
    sizes.extend([300 * MIB, 150 * MIB])
    assert ReuseRules(200 * MIB).refusal(a_kind()) == ""


def test_garbage_in_cycles_does_not_count():
    gc.collect()
    rules = ReuseRules(private_bytes() + 20 * MIB)
    hoard = [bytearray(40 * MIB)]
    hoard.append(hoard)
    del hoard
    assert rules.refusal(a_kind()) == ""


def test_private_memory_is_measured():
    before = private_bytes()
    # Not a bytearray: it may get memory that this process has already and does not use.
    with mmap.mmap(-1, 50 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as hoard:
        assert private_bytes() - before >= len(hoard)
