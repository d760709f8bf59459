"""What is written to the journal: take-over, ends, submission, cancellation, order and counts."""

from tests.mutants.mutant import Change, Mutant

_CANCELLATION = "tests/unit/coordination/test_cancellation.py::test_"
_ENDS = "tests/unit/coordination/test_ends.py::test_"
_EVENTS = "tests/unit/coordination/test_events.py::test_"
_INTERRUPTIONS = "tests/unit/coordination/test_interruptions.py::test_"
_LINE = "tests/unit/coordination/test_line.py::test_"
_ORDER = "tests/unit/coordination/test_order_of_service.py::test_"
_SUBMISSION = "tests/unit/coordination/test_submission.py::test_"
_TRANSACTIONS = "tests/unit/coordination/test_transactions.py::test_"

MUTANTS = [
    Mutant(
        "take-over-is-not-a-loss",
        "a take-over counts a loss, so that a job which takes its host down is not retried for ever",
        (
            Change(
                "coordination.journal.transactions",
                "Interrupted(reason), lost=True)",
                "Interrupted(reason), lost=False)",
            ),
        ),
        f"{_INTERRUPTIONS}a_take_over_counts_a_loss",
    ),
    Mutant(
        "one-loss-more",
        "a job fails with the loss that reaches the limit",
        (
            Change(
                "coordination.journal.endings",
                "if job.losses >= job.policy.max_worker_losses:",
                "if job.losses > job.policy.max_worker_losses:",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_fails_with_the_loss_that_reaches_the_limit_and_not_before",
    ),
    Mutant(
        "one-death-more",
        "a job fails with the death of a runner that reaches the limit",
        (
            Change(
                "coordination.journal.endings",
                "if job.deaths >= job.policy.max_runner_crashes:",
                "if job.deaths > job.policy.max_runner_crashes:",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_fails_with_the_death_that_reaches_the_limit_and_not_before",
    ),
    Mutant(
        "losses-survive-a-step",
        "losses are counted in a row: a recorded step begins the count again",
        (
            Change(
                "coordination.journal.transactions",
                'steps=held.job.steps + 1, step="", losses=0)',
                'steps=held.job.steps + 1, step="")',
            ),
        ),
        f"{_INTERRUPTIONS}losses_are_counted_in_a_row_and_a_recorded_step_begins_again",
    ),
    Mutant(
        "clean-stop-is-a-death",
        "an interruption by a worker that stops counts neither as a death nor as a loss",
        (
            Change(
                "coordination.journal.transactions",
                "deaths=job.deaths + outcome.died",
                "deaths=job.deaths + 1",
            ),
        ),
        f"{_INTERRUPTIONS}a_clean_stop_counts_an_interruption_and_nothing_else",
    ),
    Mutant(
        "interruption-forgets-the-cancellation",
        "a job whose cancellation was requested is cancelled when its run is cut off",
        (
            Change(
                "coordination.journal.endings",
                "    if job.cancel_requested:\n        return Cancelled()\n",
                "",
            ),
        ),
        f"{_INTERRUPTIONS}a_job_whose_cancellation_was_requested_is_cancelled_when_it_is_cut_off",
    ),
    Mutant(
        "reason-lost-with-the-run",
        "the reason of a cancellation is in the event that ends the job, too",
        (
            Change(
                "coordination.journal.transactions",
                "**events.reason_data(job.cancel_reason)",
                "**events.reason_data('')",
            ),
        ),
        f"{_CANCELLATION}the_reason_is_in_the_job_and_in_the_events",
        simulated=True,
    ),
    Mutant(
        "traceback-in-the-event",
        "the traceback of an error has a row of its own, so that no event is too long",
        (
            Change(
                "coordination.journal.transactions",
                '"traceback_characters": len(traceback)',
                '"traceback": traceback',
            ),
        ),
        "tests/unit/coordination/test_ends.py::test_a_traceback_has_a_row_of_its_own",
    ),
    Mutant(
        "tickets-by-id",
        "first come, first served: ids that callers chose do not change the order",
        (
            Change(
                "coordination.journal.rows",
                "{TICKETS}{priority:02d}|{order}|{job_id}",
                "{TICKETS}{priority:02d}|{job_id}|{order}",
            ),
        ),
        f"{_ORDER}jobs_run_in_the_order_of_submission_and_not_of_their_ids",
    ),
    Mutant(
        "cut-off-job-goes-behind",
        "a job whose run was cut off keeps its place in line",
        (
            Change(
                "coordination.journal.line",
                "(turn is None or cut_off.ticket_key < turn.ticket_key)",
                "turn is None",
            ),
        ),
        f"{_ORDER}an_interrupted_job_is_first_again_although_its_id_is_last",
    ),
    Mutant(
        "cut-off-job-of-another-fence",
        "a take-over ends only the run that the lock row names, under its fence",
        (Change("coordination.journal.transactions", " and job.fence == lock.fence", ""),),
        f"{_TRANSACTIONS}a_running_job_of_another_fence_is_not_interrupted",
    ),
    Mutant(
        "overtaken-by-a-known-kind",
        "the first in line is not overtaken because this worker does not know its kind",
        (
            Change(
                "coordination.journal.line",
                "        return turn if may_start(turn) else None\n",
                "        if may_start(turn):\n"
                "            return turn\n"
                "        return self.first if self.first is not None and may_start(self.first) else None\n",
            ),
        ),
        f"{_TRANSACTIONS}a_cut_off_job_that_this_worker_cannot_run_is_queued_and_not_overtaken",
    ),
    Mutant(
        "hand-over-causes-swapped",
        "the next start says whether the last run's process died or its worker was stopped",
        (
            Change(
                "coordination.journal.transactions",
                "HandOverCause.RUNNER_DIED if outcome.died else HandOverCause.WORKER_STOPPED",
                "HandOverCause.WORKER_STOPPED if outcome.died else HandOverCause.RUNNER_DIED",
            ),
        ),
        f"{_TRANSACTIONS}the_next_start_names_how_the_last_run_ended_and_when",
    ),
    Mutant(
        "chained-start-takes-the-lease-again",
        "only a start after a take-over says that the lease was acquired",
        (Change("coordination.journal.transactions", "    if not chained:\n", "    if True:\n"),),
        f"{_TRANSACTIONS}a_chained_start_does_not_record_the_lease_again",
    ),
    Mutant(
        "state-of-a-step-is-lost",
        "state that is saved with a step is written in the same transaction",
        (
            Change(
                "coordination.journal.transactions",
                "    if done.state is not None:\n",
                "    if done.state == '':\n",
            ),
        ),
        f"{_TRANSACTIONS}state_is_saved_with_a_step_in_one_transaction",
    ),
    Mutant(
        "long-result-is-lost",
        "a result beyond two thousand characters is kept in a row of its own",
        (
            Change(
                "coordination.journal.transactions",
                "has_long_result=not inline,",
                "has_long_result=False,",
            ),
        ),
        f"{_ENDS}a_result_beyond_two_thousand_characters_has_a_row_of_its_own",
    ),
    Mutant(
        "registered-id-with-other-content",
        "an id that is registered for one request is not used for another, which may belong to another lock",
        (
            Change(
                "coordination.clients.submission", "if row is not None or not same:", "if row is not None:"
            ),
        ),
        f"{_SUBMISSION}an_id_that_was_registered_for_one_request_is_not_used_for_another",
    ),
    Mutant(
        "refused-submission-uses-up-its-id",
        "a submission that could never be stored leaves its id free for the corrected one",
        (Change("coordination.clients.submission", "        check_limits(change.transaction)\n", ""),),
        f"{_SUBMISSION}a_submission_that_could_never_be_stored_does_not_use_up_its_id",
    ),
    Mutant(
        "request-without-properties",
        "a submission that differs in any field is another request",
        (
            Change(
                "coordination.clients.submission",
                "        asked += [self.properties, *options, *retried]\n",
                "        asked += [*options, *retried]\n",
            ),
        ),
        f"{_SUBMISSION}every_field_of_a_submission_either_belongs_to_the_request_or_may_differ",
    ),
    Mutant(
        "submission-without-wake-up",
        "a submission notifies the workers at once",
        (
            Change(
                "coordination.clients.submission", "        await self.writer.notifier.notify(wake_up)\n", ""
            ),
        ),
        f"{_SUBMISSION}a_submission_registers_the_job_publishes_its_event_and_notifies_the_workers",
    ),
    Mutant(
        "cancelled-job-keeps-its-ticket",
        "a cancelled job does not wait any more",
        (
            Change(
                "coordination.clients.cancellation",
                "        tickets.append(Delete(found.ticket.key, found.ticket.etag))\n",
                "",
            ),
        ),
        f"{_CANCELLATION}a_waiting_job_ends_at_once_and_its_ticket_goes",
    ),
    Mutant(
        "cancellation-gives-up-at-once",
        "a cancellation that meets the job's start asks the run to stop",
        (
            Change(
                "coordination.clients.job_writer",
                "transaction.op_id, until):\n                return False\n",
                "transaction.op_id, until):\n                return True\n",
            ),
        ),
        f"{_CANCELLATION}a_job_that_is_started_before_the_write_is_asked_to_stop",
    ),
    Mutant(
        "hash-without-actor",
        "no fact of an event can be altered without its hash showing it",
        (
            Change(
                "coordination.journal.events",
                "        event.actor,\n        event.data,\n",
                "        event.data,\n",
            ),
        ),
        f"{_EVENTS}an_altered_event_does_not_have_its_hash_any_more",
    ),
    Mutant(
        "newer-protocol-is-written-over",
        "a worker does not touch a lock that a newer version of the protocol has written",
        (
            Change(
                "coordination.journal.line", "lock.protocol > rows.PROTOCOL", "lock.protocol < rows.PROTOCOL"
            ),
        ),
        f"{_LINE}the_row_of_a_newer_protocol_is_refused_and_that_of_this_one_or_an_older_is_not",
    ),
]
