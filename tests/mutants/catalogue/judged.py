"""What only a judge of the whole can see: order, counts, cancellations, contents, progress, times."""

from tests.mutants.mutant import Change, Mutant

_ORDER = "tests/unit/coordination/test_order_of_service.py::test_"
_TRANSACTIONS = "tests/unit/coordination/test_transactions.py::test_"
_INTERRUPTIONS = "tests/unit/coordination/test_interruptions.py::test_"
_RUNS = "tests/unit/coordination/test_from_run_to_run.py::test_"
_HELD = "tests/unit/coordination/test_held_rows.py::test_"
_SUBMISSION = "tests/unit/coordination/test_submission.py::test_"
_PROGRESS = "tests/unit/coordination/test_progress.py::test_"
_WAKE_UPS = "tests/unit/coordination/test_sweeper_wake_ups.py::test_"
_LEAVING = "tests/unit/coordination/test_leaving.py::test_"
_SUMMARIES = "tests/unit/audit_projector/test_summaries.py::test_"
_TRIES = "tests/unit/audit_projector/test_tries.py::test_"
_SWEEPER = "tests/unit/coordination/test_sweeper.py::test_"

MUTANTS = [
    Mutant(
        "tickets-sorted-by-job-id",
        "within a priority, the job that was submitted first runs first, independent of its id",
        (
            Change(
                "coordination.journal.rows",
                'return f"{TICKETS}{priority:02d}|{order}|{job_id}"',
                'return f"{TICKETS}{priority:02d}|{job_id}|{order}"',
            ),
        ),
        f"{_ORDER}jobs_run_in_the_order_of_submission_and_not_of_their_ids",
        simulated=True,
    ),
    Mutant(
        "priority-ignored",
        "a more urgent job runs first",
        (
            Change(
                "coordination.journal.rows",
                'return f"{TICKETS}{priority:02d}|{order}|{job_id}"',
                'return f"{TICKETS}00|{order}|{job_id}"',
            ),
        ),
        f"{_ORDER}jobs_run_in_the_order_of_priority_before_that_of_submission",
        simulated=True,
    ),
    Mutant(
        "next-job-by-an-old-look",
        "the next job is chosen by a line that was read shortly before",
        (
            Change(
                "coordination.holder.upcoming",
                "age < (HINT_SECONDS if self.hinted else BELIEVED_SECONDS)",
                "age < math.inf",
            ),
            Change(
                "coordination.holder.upcoming",
                "from collections.abc import Awaitable, Callable\n",
                "import math\nfrom collections.abc import Awaitable, Callable\n",
            ),
        ),
        "tests/unit/coordination/test_judged_order.py::test_a_more_urgent_job_that_came_during_the_run_is_next",
        simulated=True,
    ),
    Mutant(
        "cut-off-job-forgotten-by-its-successor",
        "a job that the take-over put back in line is seen by the worker that did it",
        (
            Change(
                "coordination.holder.tenure",
                "            self._upcoming.doubt()\n            self.gave_back",
                "            self.gave_back",
            ),
        ),
        "tests/unit/coordination/test_tenure.py::test_an_interrupted_job_goes_back_to_its_place_in_line",
    ),
    Mutant(
        "cut-off-job-overtakes",
        "a job that was cut off waits for more urgent ones",
        (
            Change(
                "coordination.journal.line",
                "if cut_off is not None and (turn is None or cut_off.ticket_key < turn.ticket_key):",
                "if cut_off is not None:",
            ),
        ),
        f"{_TRANSACTIONS}a_cut_off_job_waits_behind_a_more_urgent_one",
        simulated=True,
    ),
    Mutant(
        "loss-not-counted",
        "a job whose holder is lost ten times in a row fails",
        (Change("coordination.journal.transactions", "losses=job.losses + lost,", "losses=job.losses,"),),
        f"{_INTERRUPTIONS}a_take_over_counts_a_loss",
        simulated=True,
    ),
    Mutant(
        "losses-never-forgotten",
        "a recorded step begins the count of losses again",
        (Change("coordination.journal.transactions", 'step="", losses=0)', 'step="")'),),
        f"{_INTERRUPTIONS}losses_are_counted_in_a_row_and_a_recorded_step_begins_again",
        simulated=True,
    ),
    Mutant(
        "clean-stop-counts",
        "a clean stop counts neither as a death nor as a loss",
        (
            Change(
                "coordination.journal.transactions",
                "deaths=job.deaths + outcome.died,",
                "deaths=job.deaths + (not lost),",
            ),
        ),
        f"{_INTERRUPTIONS}a_clean_stop_counts_an_interruption_and_nothing_else",
        simulated=True,
    ),
    Mutant(
        "fails-after-the-limit-of-deaths",
        "a job fails with the third death of its process",
        (
            Change(
                "coordination.journal.endings",
                "if job.deaths >= job.policy.max_runner_crashes:",
                "if job.deaths > job.policy.max_runner_crashes:",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_fails_with_the_death_that_reaches_the_limit_and_not_before",
        simulated=True,
    ),
    Mutant(
        "fails-after-the-limit-of-losses",
        "a job fails with the tenth loss in a row",
        (
            Change(
                "coordination.journal.endings",
                "if job.losses >= job.policy.max_worker_losses:",
                "if job.losses > job.policy.max_worker_losses:",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_fails_with_the_loss_that_reaches_the_limit_and_not_before",
        simulated=True,
    ),
    Mutant(
        "cancellation-lost-with-the-run",
        "a job that was to be cancelled is not started again",
        (
            Change(
                "coordination.journal.endings",
                "    if job.cancel_requested:\n        return Cancelled()\n",
                "",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_whose_cancellation_was_requested_is_cancelled_when_it_is_cut_off",
        simulated=True,
    ),
    Mutant(
        "cancellation-noticed-at-the-end",
        "a request to cancel stops the run",
        (
            Change(
                "coordination.holder.held_rows",
                "        if job.cancel_requested:\n            self.stop.request(StopReason.CANCELLED)\n",
                "",
            ),
            Change(
                "coordination.holder.held_rows",
                "        if draft.job.cancel_requested:\n"
                "            self.stop.request(StopReason.CANCELLED)\n",
                "",
            ),
        ),
        f"{_HELD}a_look_takes_in_a_cancellation",
        simulated=True,
    ),
    Mutant(
        "other-content-goes-on",
        "an id that is registered for one content takes no other",
        (
            Change(
                "coordination.clients.submission", "if row is not None or not same:", "if row is not None:"
            ),
        ),
        f"{_SUBMISSION}an_id_that_was_registered_for_one_request_is_not_used_for_another",
        simulated=True,
    ),
    Mutant(
        "parameters-make-no-difference",
        "two submissions with different parameters are different",
        (
            Change(
                "coordination.clients.submission",
                "asked = [self.kind, self.lock_name, self.parameters, self.name,",
                'asked = [self.kind, self.lock_name, "", self.name,',
            ),
        ),
        f"{_SUBMISSION}every_field_of_a_submission_either_belongs_to_the_request_or_may_differ",
        simulated=True,
    ),
    Mutant(
        "next-job-shows-old-progress",
        "the next run does not begin with the progress of the one before",
        (
            Change(
                "coordination.holder.tenure",
                "        self._reported = None\n        self._rows.begin(draft, versions)",
                "        self._rows.begin(draft, versions)",
            ),
        ),
        f"{_PROGRESS}progress_of_a_job_is_not_carried_over_to_the_next",
        simulated=True,
    ),
    Mutant(
        "step-kept-at-the-end",
        "a job that is over is in no step",
        (
            Change(
                "coordination.journal.transactions",
                'job = replace(job, finished_at=draft.writer.at, step="")',
                "job = replace(job, finished_at=draft.writer.at)",
            ),
        ),
        f"{_PROGRESS}progress_is_written_with_the_end",
        simulated=True,
    ),
    Mutant(
        "only-the-first-event-announced",
        "every event of a transaction is published",
        (
            Change(
                "coordination.holder.held_rows",
                "announcements(draft.events, draft.jobs)",
                "announcements(draft.events[:1], draft.jobs)",
            ),
        ),
        f"{_HELD}what_was_written_is_announced_in_order",
        simulated=True,
    ),
    Mutant(
        "wake-ups-rarer-after-a-run",
        "a lock whose run was cut off is woken up for at once, however long it had waited before",
        (
            Change(
                "coordination.maintenance.pauses",
                "return self._clock.boot() >= end or state not in {None, last_state}",
                "return self._clock.boot() >= end",
            ),
            Change(
                "coordination.maintenance.pauses",
                "pause = min(pause * 2, longest) if last_state == state else first",
                "pause = min(pause * 2, longest) if last_state is not None else first",
            ),
        ),
        f"{_WAKE_UPS}after_a_new_run_was_lost_a_wake_up_is_due_at_once_however_long_the_pause_was",
        simulated=True,
    ),
    Mutant(
        "stopped-without-a-wake-up",
        "a worker that is stopped passes on what it leaves",
        (
            Change(
                "coordination.holder.session",
                "            await self._notify()\n            return False\n        first",
                "            return False\n        first",
            ),
        ),
        f"{_LEAVING}a_stopping_worker_notifies_of_what_still_waits",
        simulated=True,
    ),
    Mutant(
        "retired-before-projected",
        "a job stays active until its last event is in the read models",
        (
            Change(
                "coordination.maintenance.comparison",
                "        if job.seq > projected:\n",
                "        if job.seq > projected and not job.is_terminal:\n",
            ),
        ),
        f"{_SWEEPER}events_the_read_models_never_heard_of_are_told_again",
        simulated=True,
    ),
    Mutant(
        "results-of-steps-dropped",
        "a run gets the results of all recorded steps",
        (
            Change(
                "coordination.holder.kept_rows",
                "elif row.key.startswith(rows.step_prefix(job_id)):",
                "elif row.key == rows.step_key(job_id, 1):",
            ),
        ),
        f"{_RUNS}a_second_attempt_has_what_the_first_one_left",
        simulated=True,
    ),
    Mutant(
        "summary-misses-an-interruption",
        "a summary is not older than the events that are marked as projected",
        (
            Change(
                "contracts.statuses",
                "INTERRUPTED: _Meaning(RunPart.END, is_terminal=False, changes_summary=True)",
                "INTERRUPTED: _Meaning(RunPart.END, is_terminal=False, changes_summary=False)",
            ),
        ),
        f"{_SUMMARIES}an_interruption_alone_in_its_message_is_shown_and_counted",
        simulated=True,
    ),
    Mutant(
        "lock-run-without-its-interruption",
        "a lock run ends with the interruption of its job",
        (
            Change(
                "contracts.runs",
                "elif status.ends_run:",
                "elif status.is_terminal:",
            ),
        ),
        "tests/unit/audit_projector/test_chain.py::test_a_run_ends_with_its_first_end",
        simulated=True,
    ),
    Mutant(
        "projected-before-it-is-written",
        "what is marked as projected is in the audit trail",
        (
            Change(
                "audit_projector.projection",
                "*chain.last_start)),\n        )\n",
                "*chain.last_start)),\n            return_exceptions=True,\n        )\n",
            ),
        ),
        f"{_TRIES}a_call_that_fails_leaves_nothing_out_when_the_message_is_tried_again",
        simulated=True,
    ),
]
