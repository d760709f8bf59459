"""Mutants of retries by hand and of finalized jobs."""

from tests.mutants.mutant import Change, Mutant

_RETRYING = "tests/unit/coordination/test_retrying.py::test_"
_FINALIZING = "tests/unit/coordination/test_finalizing.py::test_"
_RETRIES = "tests/unit/verification/test_retries.py::test_"

MUTANTS = [
    Mutant(
        "equal-retry-taken-for-a-new-one",
        "a request that finds an earlier retry says that it made none",
        (
            Change(
                "coordination.clients.retrying",
                "old.partition, new, until), is_new=False)",
                "old.partition, new, until), is_new=True)",
            ),
        ),
        "tests/unit/coordination/test_retrying.py::test_two_retries_at_once_give_one_job",
    ),
    Mutant(
        "second-finalization-taken-for-the-first",
        "a request that finds a job finalized says that it did not do it",
        (Change("coordination.clients.finalizing", "is_new=built is not None", "is_new=True"),),
        "tests/unit/coordination/test_finalizing.py::test_two_at_once_write_one_event",
    ),
    Mutant(
        "retried-twice",
        "a job is retried once, however many ask for it at the same time",
        (
            Change(
                "coordination.clients.retrying",
                '        marks[key] = marks.get(key, {}) | {"retried_by": new.job_id}\n',
                '        marks.setdefault(key, {"read_by": new.job_id})\n',
            ),
        ),
        f"{_RETRYING}two_retries_at_once_give_one_job",
    ),
    Mutant(
        "retry-of-a-living-job",
        "a job that waits, runs or has completed is not retried",
        (
            Change(
                "coordination.clients.retrying",
                "        if job.status not in RETRYABLE:\n",
                "        if False:\n",
            ),
        ),
        f"{_RETRYING}a_job_that_waits_runs_or_has_completed_cannot_be_retried",
    ),
    Mutant(
        "retry-without-the-earliest",
        "the retry of a retry continues with what all of them recorded",
        (
            Change(
                "coordination.clients.retrying",
                "        job_ids = _text(earlier).split() if earlier is not None else []\n",
                "        job_ids: list[str] = []\n",
            ),
        ),
        f"{_RETRYING}a_retry_of_a_retry_continues_with_all_that_was_recorded",
    ),
    Mutant(
        "retry-forgets-steps",
        "a retry does not run steps again that the old job recorded",
        (
            Change(
                "coordination.holder.kept_rows",
                "        if row.key == rows.history_key(job.job_id):\n",
                "        if False:\n",
            ),
        ),
        f"{_RETRYING}a_retry_continues_with_recorded_steps_and_saved_state",
    ),
    Mutant(
        "retry-writes-over-old-state",
        "a retry writes its saved state into a row of its own",
        (
            Change(
                "coordination.holder.kept_rows",
                "row.etag if is_own else None",
                "row.etag",
            ),
        ),
        f"{_RETRYING}a_retry_saves_its_own_state_over_that_of_the_old_job",
    ),
    Mutant(
        "needed-by-a-retry-removed",
        "no job is removed while a retry continues with what it recorded",
        (
            Change(
                "coordination.maintenance.removable",
                "        if reader is not None and not JobRow.from_row(reader).is_terminal:\n",
                "        if False:\n",
            ),
        ),
        f"{_RETRYING}a_job_stays_until_the_retry_that_needs_it_has_ended",
    ),
    Mutant(
        "retry-unseen-by-a-removal",
        "a removal is refused when a retry has come since it looked",
        (
            Change(
                "coordination.clients.retrying",
                '        marks: dict[str, dict[str, Value | None]] = {row.key: {"read_by": new.job_id} for row in continued}\n',
                "        marks: dict[str, dict[str, Value | None]] = {}\n",
            ),
        ),
        f"{_RETRYING}a_removal_into_which_a_retry_comes_leaves_what_the_retry_needs",
    ),
    Mutant(
        "finalized-unseen",
        "the sweeper looks for the event of a finalized job, whose message may be lost",
        (
            Change(
                "coordination.clients.finalizing",
                "        await self.submitter.activate(registration)\n        job = await",
                "        job = await",
            ),
        ),
        f"{_FINALIZING}the_job_counts_as_active_until_the_event_is_projected",
    ),
    Mutant(
        "finalized-while-running",
        "a job that waits, runs or has completed is not finalized",
        (
            Change(
                "coordination.clients.finalizing",
                "    if job.status not in RETRYABLE:\n",
                "    if False:\n",
            ),
        ),
        f"{_FINALIZING}a_job_that_waits_runs_or_has_completed_cannot_be_finalized",
    ),
    Mutant(
        "finalized-still-listed",
        "lists leave finalized jobs out unless they are asked for them",
        (
            Change(
                "read_models.filters",
                "(self.with_finalized or not job.finalized)",
                "True",
            ),
        ),
        "tests/unit/publisher/test_finalizing.py::test_lists_leave_it_out_unless_they_are_asked_for_it",
    ),
    Mutant(
        "finalized-stays-active",
        "a finalized job leaves the active ones once the read models have its event",
        (
            Change(
                "audit_projector.projection",
                "EventStatus(events[-1].status).is_last",
                "EventStatus(events[-1].status).is_terminal",
            ),
        ),
        "tests/unit/publisher/test_finalizing.py::test_lists_leave_it_out_unless_they_are_asked_for_it",
    ),
    Mutant(
        "finalized-twice-unchecked",
        "the checker finds an event after the end that nobody may write",
        (
            Change(
                "verification.history",
                "        if not self._ended or event.worker is not None:\n            return False\n",
                "        if self._ended and status is EventStatus.FINALIZED:\n            return True\n",
            ),
        ),
        "tests/unit/verification/test_finalized.py::test_what_may_not_follow_an_end_is_found",
    ),
    Mutant(
        "retries-unchecked",
        "the checker sees that a retry and its job name each other",
        (Change("verification.retries", "        if of != named:\n", "        if True:\n"),),
        f"{_RETRIES}jobs_that_do_not_name_each_other_are_found",
    ),
    Mutant(
        "steps-of-retries-unchecked",
        "the checker finds a step that a retry recorded although the old job had",
        (Change("verification.retries", "            if name in known:\n", "            if False:\n"),),
        f"{_RETRIES}a_retry_that_the_protocol_does_not_write_is_found",
    ),
]
