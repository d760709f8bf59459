"""The worker: wake-ups, heartbeat, runner processes, the deadline enforcer, what jobs print."""

from tests.mutants.mutant import Change, Mutant

_UNIT = "tests/unit/execution/test_"

MUTANTS: list[Mutant] = [
    Mutant(
        "longer-by-submission",
        "a submission can only shorten the time limits of its job",
        (Change("worker.execution.time_limits", "min(known, default=None)", "max(known, default=None)"),),
        "tests/unit/execution/test_time_limits.py::test_the_shorter_timeout_counts",
    ),
    Mutant(
        "only-the-group-is-killed",
        "at its deadline a runner is killed with all it has started, also in sessions of their own",
        (
            Change(
                "worker.execution.deadline_enforcer",
                "                kill_family(pid)\n",
                "                kill_group(pid)\n",
            ),
        ),
        f"{_UNIT}deadline_enforcer.py::test_a_late_runner_is_killed_with_all_it_started_once_and_then_by_its_group",
    ),
    Mutant(
        "children-of-children-live",
        "at its deadline also the children of a runner's children are killed",
        (
            Change(
                "worker.execution.deadline_enforcer",
                "        family += children.get(member, ())\n",
                "        children.get(member, ())\n",
            ),
        ),
        f"{_UNIT}orphans.py::test_the_deadline_enforcer_ends_what_was_detached_while_the_supervisor_cannot",
    ),
    Mutant(
        "deadline-passes-late",
        "a runner is not alive at its deadline",
        (
            Change(
                "worker.execution.deadline_enforcer",
                "deadline and now >= deadline",
                "deadline and now > deadline",
            ),
        ),
        f"{_UNIT}deadline_enforcer.py::test_only_deadlines_that_have_passed_are_overdue",
    ),
    Mutant(
        "runners-outlive-the-supervisor",
        "when the supervisor has exited, its runners are killed, also idle ones",
        (
            Change(
                "worker.execution.deadline_enforcer",
                "            if table[start + PID]:\n                kill_group",
                "            if table[start + HARD_DEADLINE]:\n                kill_group",
            ),
        ),
        f"{_UNIT}deadline_enforcer.py::test_when_the_supervisor_is_gone_it_kills_all_runners_and_no_free_cell",
    ),
    Mutant(
        "stop-outlives-its-run",
        "a stop of one run does not reach the next one on its runner",
        (Change("worker.execution.deadline_table", "        self._words[self._start + STOP] = 0\n", ""),),
        f"{_UNIT}runner_process.py::test_the_end_of_a_run_lifts_deadlines_and_stop",
    ),
    Mutant(
        "older-runs-are-heard",
        "what a stray thread of an earlier run sends does not count for this one",
        (
            Change(
                "worker.execution.runner_process",
                "or message.run == self._runs)",
                "or message.run <= self._runs)",
            ),
        ),
        f"{_UNIT}runner_process.py::test_messages_of_an_older_run_are_ignored_and_its_log_is_not",
    ),
    Mutant(
        "renewal-not-passed-on",
        "a renewed lease moves the deadlines of the runner",
        (Change("worker.execution.run_supervision", "        self._runner.set_deadlines(hard, soft)\n", ""),),
        f"{_UNIT}supervision_deadlines.py::test_deadlines_are_set_before_the_run_begins_and_renewed_while_it_runs",
    ),
    Mutant(
        "soft-deadline-ignored",
        "a handler whose lease could not be renewed is stopped before the lease can run out",
        (
            Change(
                "worker.execution.run_supervision", "        if now >= soft:\n", "        if now >= hard:\n"
            ),
        ),
        f"{_UNIT}supervision_deadlines.py::test_the_soft_deadline_stops_the_handler_at_its_very_moment",
    ),
    Mutant(
        "death-by-deadline-counts",
        "a runner that is killed at its deadline is not a death that the job caused",
        (
            Change(
                "worker.execution.run_supervision",
                "        if self._runner.was_overdue:\n",
                "        if False:\n",
            ),
        ),
        f"{_UNIT}supervision.py::test_a_runner_killed_by_the_deadline_enforcer_is_no_death_of_the_jobs_making",
    ),
    Mutant(
        "last-writes-dropped",
        "steps that were sent before the end of a run are written before its end",
        (Change("worker.execution.run_supervision", "            await self._writer.finish()\n", ""),),
        f"{_UNIT}supervision_writes.py::test_what_was_sent_before_the_end_is_written_before_the_end",
    ),
    Mutant(
        "tainted-runner-reused",
        "a runner in which something of a job may still be alive is not used again",
        (
            Change(
                "worker.execution.run_supervision",
                "is_tainted = done.is_tainted or done.was_stopped",
                "is_tainted = done.was_stopped",
            ),
        ),
        f"{_UNIT}supervision.py::test_a_tainted_runner_is_ended_before_the_outcome_is_given",
    ),
    Mutant(
        "step-answered-before-it-is-written",
        "a handler continues only once its step is in the journal",
        (
            Change(
                "worker.execution.run_writer",
                "            try:\n                await self._write_one(message)\n",
                "            try:\n                self._answer(message.number, None)\n"
                "                await self._write_one(message)\n",
            ),
        ),
        f"{_UNIT}run_writer.py::test_nothing_is_answered_before_it_is_written",
    ),
    Mutant(
        "runs-without-deadlines",
        "no run starts while no process enforces deadlines",
        (Change("worker.execution.pool", "if self._enforcer.is_ready and self._idle:", "if self._idle:"),),
        f"{_UNIT}pool_runs.py::test_no_run_starts_while_deadlines_are_not_enforced",
    ),
    Mutant(
        "dead-runner-not-replaced",
        "a runner that died is replaced",
        (
            Change(
                "worker.execution.pool",
                'runner_replaced("ended" if runner.is_unwanted else "died")\n'
                "            self._starts.begin()\n",
                'runner_replaced("ended" if runner.is_unwanted else "died")\n',
            ),
        ),
        f"{_UNIT}pool_runners.py::test_a_runner_that_is_gone_is_told_of_and_replaced",
    ),
    Mutant(
        "own-cancellation-ends-the-run",
        "a handler that leaves its task cancelled has returned all the same",
        (
            Change(
                "worker.execution.runner_loop",
                "        if ended.failure is not None:\n            raise ended.failure\n        return ended.result\n",
                "        await self._handler\n        return ended.result\n",
            ),
        ),
        f"{_UNIT}serving_ends.py::test_a_handler_that_cancels_itself_and_leaves_a_task_has_returned_all_the_same",
    ),
    Mutant(
        "own-cancellation-without-traceback",
        "a CancelledError of the handler's own is reported and logged with its traceback",
        (
            Change(
                "worker.execution.failures",
                "isinstance(error, asyncio.CancelledError) and was_stopped",
                "isinstance(error, asyncio.CancelledError)",
            ),
        ),
        f"{_UNIT}failures.py::test_a_cancelled_error_of_the_handlers_own_is_told_and_logged_with_its_traceback",
    ),
    Mutant(
        "reason-hidden-in-a-group",
        "a FailJob in a TaskGroup is a FailJob",
        (Change("worker.execution.failures", "    error = reason_of(error)\n", ""),),
        f"{_UNIT}failures.py::test_a_group_of_nothing_but_reasons_to_fail_is_a_reason_to_fail",
    ),
    Mutant(
        "history-of-any-size",
        "a history that does not fit into a runner fails its job with the size and the limit",
        (Change("worker.execution.history", "    if size <= limit:\n", "    if size:\n"),),
        f"{_UNIT}history.py::test_a_history_of_more_than_a_quarter_of_a_runners_memory_is_refused_with_its_size",
    ),
    Mutant(
        "waiting-for-a-beginning",
        "no attempt waits without limit for a runner to begin the handler",
        (
            Change(
                "worker.execution.run_supervision",
                '        self._timers["begin"] = self._loop.call_later(_BEGIN_SECONDS, self._lose_hope)\n',
                '        self._timers["begin"] = self._loop.call_later(3600, self._lose_hope)\n',
            ),
        ),
        f"{_UNIT}supervision_writes.py::test_a_runner_that_does_not_begin_is_killed_with_that_reason",
    ),
    Mutant(
        "history-of-another-run",
        "the recorded steps of one run are not given to the next",
        (Change("worker.execution.runner_loop", "                self._recorded = {}\n", ""),),
        f"{_UNIT}serving.py::test_a_history_in_parts_belongs_to_the_next_run_alone",
    ),
    Mutant(
        "steps-without-backpressure",
        "a handler that begins many steps at once waits, and is not killed",
        (
            Change(
                "worker.execution.runner_channel", "if self._unwritten and (is_full or is_long):", "if False:"
            ),
        ),
        f"{_UNIT}runner_channel.py::test_a_step_waits_while_100_are_unwritten_and_is_sent_in_turn",
    ),
    Mutant(
        "blocked-reports-dropped",
        "progress of a handler that blocks the event loop is sent by the call itself",
        (
            Change(
                "worker.execution.runner_channel",
                "if is_late or not self._is_report_due:",
                "if not self._is_report_due:",
            ),
        ),
        f"{_UNIT}runner_channel.py::test_a_handler_that_blocks_the_event_loop_shows_a_report_when_its_time_has_come",
    ),
    Mutant(
        "cancelled-twice",
        "a second reason to stop does not disturb a handler that cleans up",
        (
            Change(
                "worker.execution.runner_loop",
                "self._handler is not None and not self._is_cancel_sent:",
                "self._handler is not None:",
            ),
        ),
        f"{_UNIT}serving_ends.py::test_a_cancellation_reaches_an_async_handler_once",
    ),
    Mutant(
        "stopped-counts-as-completed",
        "a handler that was asked to stop and returns all the same counts as stopped",
        (
            Change(
                "worker.execution.runner_loop",
                "self._is_cancel_sent or context.was_asked_to_stop",
                "self._is_cancel_sent",
            ),
        ),
        f"{_UNIT}serving_ends.py::test_a_handler_that_was_told_by_its_context_was_stopped",
    ),
    Mutant(
        "last-report-lost",
        "the last progress of a run is shown when it ends",
        (
            Change(
                "worker.execution.runner_channel",
                "            self._timer.cancel()\n        self._flush_report()\n",
                "            self._timer.cancel()\n",
            ),
        ),
        f"{_UNIT}runner_channel.py::test_at_the_end_of_a_run_the_last_report_is_shown_and_none_after_it",
    ),
    Mutant(
        "identity-forged-in-the-log",
        "a handler's log record cannot carry another run's identity",
        (
            Change("worker.execution.job_log", "extra={**extra, **labels}", "extra={**labels, **extra}"),
            Change("worker.execution.job_log", 'return f"handler.{name}" if', "return name if"),
        ),
        f"{_UNIT}logging.py::test_a_record_cannot_pretend_to_be_of_another_run_or_to_be_another_record",
    ),
]
