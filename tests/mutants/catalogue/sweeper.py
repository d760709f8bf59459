"""What the sweeper repairs, and what the snapshot of lines shows."""

from tests.mutants.mutant import Change, Mutant

_WAKE_UPS = "tests/unit/coordination/test_sweeper_wake_ups.py::test_"
_COMPARISONS = "tests/unit/coordination/test_sweeper_comparisons.py::test_"
_IDS = "tests/unit/coordination/test_abandoned_ids.py::test_"
_RESTING = "tests/unit/coordination/test_resting.py::test_"
_SNAPSHOT = "tests/unit/coordination/test_queue_snapshot_limits.py::test_"

MUTANTS = [
    Mutant(
        "expired-after-a-start",
        "a job that has started does not expire",
        (
            Change(
                "coordination.journal.rows",
                "self.expires_at <= at and not self.started_at\n",
                "self.expires_at <= at\n",
            ),
        ),
        "tests/unit/coordination/test_expiry.py"
        "::test_an_interrupted_job_waits_for_its_next_attempt_without_a_time",
    ),
    Mutant(
        "expired-with-any-ticket",
        "a job is either started or expired, whichever comes first",
        (
            Change(
                "coordination.clients.expiry",
                "        Delete(found.ticket.key, found.ticket.etag),\n",
                "",
            ),
        ),
        "tests/unit/coordination/test_expiry.py::test_in_every_order_a_job_is_either_started_or_expired",
    ),
    Mutant(
        "expired-jobs-read-again",
        "a job that has started is not read again for its time in line in each sweep",
        (
            Change(
                "coordination.maintenance.expiry",
                "                self._settled.add(job.job_id)\n",
                "                pass\n",
            ),
        ),
        "tests/unit/coordination/test_expiry.py"
        "::test_a_job_that_has_started_does_not_expire_and_is_looked_at_once",
    ),
    Mutant(
        "expired-only-while-the-broker-is-there",
        "a job expires in time though RabbitMQ is away",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        swept.expired = await self._expiry.end_due(active)\n"
                "        if not self.is_heard():\n            return swept\n",
                "        if not self.is_heard():\n            return swept\n"
                "        swept.expired = await self._expiry.end_due(active)\n",
            ),
        ),
        "tests/unit/coordination/test_expiry.py::test_a_broker_that_is_away_prolongs_no_time",
    ),
    Mutant(
        "pause-after-a-lost-wake-up",
        "a wake-up that RabbitMQ did not take is sent as soon as RabbitMQ is back",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        if await self.notifier.notify(wake_up):\n",
                "        if await self.notifier.notify(wake_up) or True:\n",
            ),
        ),
        f"{_WAKE_UPS}a_wake_up_that_the_broker_did_not_take_leaves_no_pause",
    ),
    Mutant(
        "pause-outlives-a-run",
        "after a new run was lost, its lock is notified of at once",
        (
            Change(
                "coordination.maintenance.sweeper",
                "self._wake_ups.is_over(job.lock_name, fences)",
                "self._wake_ups.is_over(job.lock_name)",
            ),
        ),
        f"{_WAKE_UPS}after_a_new_run_was_lost_a_wake_up_is_due_at_once_however_long_the_pause_was",
    ),
    Mutant(
        "held-among-many-is-free",
        "of many locks, no worker is notified of those that another holds",
        (Change("coordination.maintenance.free_leases", "return name in self._listed", "return True"),),
        f"{_WAKE_UPS}of_many_locks_those_that_are_held_are_left_alone_and_the_others_are_not",
    ),
    Mutant(
        "pause-outlives-its-jobs",
        "a lock's pause between wake-ups ends with the jobs that waited there",
        (Change("coordination.maintenance.sweeper", "        self._wake_ups.forget_all_but(locks)\n", ""),),
        f"{_WAKE_UPS}the_pause_of_a_lock_ends_with_its_jobs",
    ),
    Mutant(
        "wake-up-for-the-wrong-job",
        "a wake-up for a lost run is part of the trace of its job",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        if not cut_off:\n            return line.first\n",
                "        if not cut_off or line.first is not None:\n            return line.first\n",
            ),
        ),
        f"{_WAKE_UPS}a_wake_up_for_a_lost_run_names_its_job_though_another_is_first_in_line",
    ),
    Mutant(
        "sweeping-goes-on-after-a-failure",
        "a pass ends when storage does not answer, instead of asking for every lock",
        (
            Change(
                "coordination.maintenance.side_by_side",
                "            if has_failed:\n                return\n",
                "",
            ),
        ),
        f"{_WAKE_UPS}after_a_failure_no_more_locks_are_looked_at",
    ),
    Mutant(
        "told-while-nobody-hears",
        "the sweeper tells everything at once when the broker is back, and nothing while it is away",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        if not self.is_heard():\n            return swept\n",
                "",
            ),
        ),
        f"{_COMPARISONS}while_the_broker_takes_nothing_nothing_is_compared_and_then_all_is_told_at_once",
    ),
    Mutant(
        "retired-before-it-is-projected",
        "a job stays active until the read models have its last event",
        (
            Change(
                "coordination.maintenance.comparison",
                "        if job.seq > projected:\n",
                "        if job.seq > projected + 1:\n",
            ),
        ),
        f"{_COMPARISONS}a_job_that_the_read_models_know_to_its_end_is_active_no_more",
    ),
    Mutant(
        "retired-while-it-waits",
        "a job that waits or runs stays active",
        (
            Change(
                "coordination.maintenance.comparison",
                "        elif JobStatus(job.status).is_terminal:\n",
                "        elif projected:\n",
            ),
        ),
        f"{_COMPARISONS}a_job_that_waits_or_runs_stays_active_though_the_read_models_know_all_of_it",
    ),
    Mutant(
        "closed-though-it-arrived",
        "a submission that arrives in the moment of closing its id stays active",
        (
            Change(
                "coordination.maintenance.comparison",
                "        except RefusedError:\n            return False\n        await self._retire",
                "        except RefusedError:\n            pass\n        await self._retire",
            ),
        ),
        f"{_IDS}a_submission_that_arrives_in_the_moment_of_closing_wins",
    ),
    Mutant(
        "comparing-starts-over",
        "a pass continues to compare where the one before ran out of time",
        (
            Change(
                "coordination.maintenance.comparison",
                "                self._position = _place(groups[start - 1][-1])\n",
                "",
            ),
        ),
        f"{_COMPARISONS}groups_are_compared_eight_at_a_time_until_the_time_is_over_and_the_next_pass_goes_on",
    ),
    Mutant(
        "announced-only-after-the-pause",
        "read models that advanced and miss the rest get the events at once",
        (
            Change(
                "coordination.maintenance.comparison",
                "self._tellings.is_over(job.job_id, projected)",
                "self._tellings.is_over(job.job_id)",
            ),
        ),
        f"{_COMPARISONS}read_models_that_have_moved_on_and_miss_the_rest_hear_of_it_at_once",
    ),
    Mutant(
        "one-loss-hides-others",
        "where one job's events were lost, all jobs are compared in the next pass",
        (
            Change(
                "coordination.maintenance.sweeper",
                "            self.comparison.end_pauses()\n",
                "            pass\n",
            ),
        ),
        f"{_COMPARISONS}an_announcement_has_all_jobs_compared_in_the_next_pass",
    ),
    Mutant(
        "retired-at-once",
        "the sweeper leaves a job that has just ended to its projector",
        (
            Change(
                "coordination.maintenance.comparison",
                "self._ends.seconds(job.job_id, job.seq) > self.pace.patience",
                "self._ends.seconds(job.job_id, job.seq) >= 0",
            ),
        ),
        f"{_COMPARISONS}the_end_of_a_job_is_left_to_the_projector_for_a_while",
    ),
    Mutant(
        "compared-one-by-one",
        "jobs of one line are compared together",
        (Change("coordination.maintenance.comparison", "_GROUP = 500", "_GROUP = 1"),),
        f"{_COMPARISONS}a_long_line_costs_few_requests",
    ),
    Mutant(
        "registered-without-a-mark",
        "a job is registered under a mark, so that a scheduler that rests notices",
        (
            Change(
                "coordination.clients.submission_marks",
                "        if self._is_fresh():\n            return\n        async with",
                "        if self._register is not None:\n            return\n        async with",
            ),
        ),
        f"{_RESTING}nothing_is_registered_without_a_mark",
        simulated=True,
    ),
    Mutant(
        "no-mark-after-standing-still",
        "a submitter that stood still marks again after it has registered",
        (
            Change(
                "coordination.clients.submission",
                "            is_again = True\n        await self._marks.ensure()\n",
                "            is_again = True\n",
            ),
        ),
        f"{_RESTING}a_submitter_that_stood_still_before_it_registered_is_noticed",
    ),
    Mutant(
        "mark-counted-from-its-answer",
        "a mark counts from when it was asked for",
        (
            Change(
                "coordination.clients.submission_marks",
                "            self._marked_at = began\n",
                "            self._marked_at = self._clock.boot()\n",
            ),
        ),
        f"{_RESTING}a_mark_counts_for_ten_seconds_from_when_it_was_asked_for",
    ),
    Mutant(
        "settled-at-once",
        "after a new mark, sweeps go on for longer than the mark counts",
        (
            Change(
                "coordination.maintenance.resting",
                "mark.seen_at + self._rest.settled_after <= last.began",
                "mark.seen_at <= last.began",
            ),
        ),
        f"{_RESTING}a_job_that_is_registered_long_after_its_mark_is_noticed",
    ),
    Mutant(
        "rests-past-a-due-time",
        "a scheduler that rests sweeps when the next job is due",
        (
            Change(
                "coordination.maintenance.resting",
                "return last.next_due is not None and self._clock.now() >= last.next_due",
                "return False",
            ),
        ),
        f"{_RESTING}a_job_that_is_due_later_is_noticed_when_it_is_due",
    ),
    Mutant(
        "rests-without-looking-ahead",
        "a scheduler rests only after a sweep that looked for the next due time",
        (
            Change(
                "coordination.maintenance.resting",
                "last is None or last.has_jobs or not last.looked_ahead",
                "last is None or last.has_jobs",
            ),
        ),
        f"{_RESTING}the_next_due_time_is_looked_for_before_a_rest",
    ),
    Mutant(
        "looks-too-seldom",
        "a scheduler that rests looks at the marks in time",
        (
            Change(
                "coordination.maintenance.resting",
                "- self._looked_at <= self._rest.notice_seconds",
                "- self._looked_at <= 2 * self._rest.notice_seconds",
            ),
        ),
        f"{_RESTING}a_lost_wake_up_is_noticed_as_soon_as_without_a_rest",
    ),
    Mutant(
        "rests-among-earlier-versions",
        "there is no rest while an earlier version may register jobs",
        (
            Change(
                "coordination.maintenance.resting",
                "if now < self._no_rest_until or not all(settled):",
                "if not all(settled):",
            ),
        ),
        f"{_RESTING}there_is_no_rest_for_an_hour_after_a_job_of_an_earlier_version",
    ),
    Mutant(
        "says-the-same-all-the-time",
        "a process that says the same says it every twenty seconds",
        (
            Change(
                "service_defaults.directory_row",
                "            if state == last and now",
                "            if state != last and now",
            ),
        ),
        "tests/unit/service_defaults/test_heartbeat.py::test_an_instance_that_says_the_same_says_it_every_twenty_seconds",
    ),
    Mutant(
        "healthy-for-ever",
        "after a call without an answer, health asks the storage",
        (
            Change(
                "azure_storage.calls",
                "self._answered_at = asyncio.get_running_loop().time() if is_answer else -math.inf",
                "self._answered_at = asyncio.get_running_loop().time()",
            ),
        ),
        "tests/unit/azure_storage/test_read_model_tables.py::"
        "test_whether_tables_are_there_is_asked_again_after_a_call_without_an_answer",
    ),
    Mutant(
        "uncounted-locks",
        "jobs of locks that a snapshot does not look at are counted as waiting",
        (
            Change(
                "coordination.maintenance.queue_snapshot",
                "sum(counted.values()) + unseen",
                "sum(counted.values())",
            ),
        ),
        f"{_SNAPSHOT}of_too_many_locks_those_with_the_oldest_jobs_are_looked_at",
    ),
    Mutant(
        "waits-behind-an-ended-run",
        "a waiting job is shown behind a worker only while that runs a job",
        (
            Change(
                "coordination.maintenance.queue_snapshot",
                'line.lock.worker if line.lock.job_id else ""',
                "line.lock.worker",
            ),
        ),
        f"{_SNAPSHOT}where_nothing_runs_a_job_waits_behind_none",
    ),
    Mutant(
        "told-by-two-schedulers",
        "a scheduler that was off duty does not report what another one has reported",
        (
            Change(
                "coordination.maintenance.queue_snapshot",
                "min(began - self._last, 2 * self._interval)",
                "began - self._last",
            ),
        ),
        f"{_SNAPSHOT}a_snapshot_looks_at_what_became_due_within_two_intervals",
    ),
]
