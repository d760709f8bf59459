"""Holding a lock: leases, deadlines, serving, watching, hand-over, wake-ups."""

from tests.mutants.mutant import Change, Mutant

_FOLDER = "tests/unit/coordination/"
_KEEPER = f"{_FOLDER}test_lease_keeper.py::test_"
_HELD = f"{_FOLDER}test_held_rows.py::test_"
_RUNS = f"{_FOLDER}test_from_run_to_run.py::test_"
_SERVING = f"{_FOLDER}test_serving.py::test_"
_LEAVING = f"{_FOLDER}test_leaving.py::test_"
_WATCHES = f"{_FOLDER}test_watches.py::test_"
_COPIES = f"{_FOLDER}test_deferred_copies.py::test_"
_STOPPING = f"{_FOLDER}test_stopping.py::test_"
_SEARCH = f"{_FOLDER}test_work_search.py::test_"

MUTANTS = [
    Mutant(
        "expired-job-started",
        "a holder does not start a job whose time in line is over",
        (
            Change(
                "coordination.journal.transactions",
                "    return not is_behind and not rows.has_expired(ticket.values, at) and rows",
                "    return not is_behind and rows",
            ),
        ),
        "tests/unit/coordination/test_expiry.py::test_no_transaction_starts_a_job_at_or_after_its_time",
    ),
    Mutant(
        "expired-job-in-the-way",
        "a job that has expired holds no other up",
        (
            Change(
                "coordination.journal.line",
                "        left = [row for row in read if not rows.has_expired(row.values, at)]\n",
                "        left = read\n",
            ),
        ),
        "tests/unit/coordination/test_expiry.py::test_a_holder_passes_over_a_job_that_has_expired",
    ),
    Mutant(
        "no-search",
        "while no wake-up can arrive, a job under a free lock starts within 10 s",
        (
            Change(
                "coordination.maintenance.register_search",
                "            if not self._is_needed():\n",
                "            if True:\n",
            ),
        ),
        f"{_SEARCH}a_job_under_a_free_lock_starts_without_a_wake_up",
        simulated=True,
    ),
    Mutant(
        "search-while-all-is-well",
        "as long as wake-ups arrive, workers send no request to look for work",
        (
            Change(
                "coordination.maintenance.register_search",
                "            if not self._is_needed():\n",
                "            if False:\n",
            ),
        ),
        f"{_SEARCH}as_long_as_the_broker_answers_no_request_is_sent",
    ),
    Mutant(
        "search-believes-an-old-mark",
        "a search finds a job that was registered after the mark of its submitter was seen",
        (
            Change(
                "coordination.maintenance.register_search",
                "self._marked_at + _SETTLED_AFTER <= self._nothing_at",
                "self._marked_at <= self._nothing_at",
            ),
        ),
        f"{_SEARCH}a_job_that_is_registered_late_under_a_mark_already_seen_is_found",
    ),
    Mutant(
        "drains-with-a-new-job",
        "a worker that drains takes no job after the one that it runs",
        (
            Change(
                "coordination.holder.dispatcher",
                "        return not self._is_stopping and not self._is_draining\n",
                "        return not self._is_stopping\n",
            ),
        ),
        f"{_STOPPING}a_worker_that_drains_ends_its_run_takes_nothing_new_and_leaves_what_waits_to_others",
    ),
    Mutant(
        "drains-and-forgets-watched",
        "a worker that drains notifies others of the locks that it watched",
        (
            Change(
                "coordination.holder.dispatcher",
                "        if is_draining:\n            await self._pass_on(self._watches.end())\n",
                "        if is_draining:\n            self._watches.end()\n",
            ),
        ),
        f"{_STOPPING}a_worker_that_drains_notifies_of_the_locks_it_watched",
    ),
    Mutant(
        "late-renewal-revives",
        "a renewal that succeeds too late moves no deadline that has passed",
        (
            Change(
                "coordination.holder.lease_keeper",
                "            if margin > 0:\n",
                "            if margin > -1000:\n",
            ),
        ),
        f"{_KEEPER}a_renewal_that_is_answered_when_its_time_is_over_revives_nothing",
    ),
    Mutant(
        "unanswered-acquire-kept",
        "a lease that may have been granted without an answer is released",
        (
            Change(
                "coordination.holder.lease_keeper",
                "            await self.release()\n            raise",
                "            raise",
            ),
        ),
        f"{_KEEPER}a_silent_store_is_asked_for_a_lease_until_it_would_be_too_old_to_use_and_then_given_it_back",
    ),
    Mutant(
        "long-last-renewal",
        "a renewal may take no longer than the time that is left to write",
        (
            Change(
                "coordination.holder.lease_keeper",
                "min(self._times.call_timeout, self.soft_deadline - sent)",
                "self._times.call_timeout",
            ),
        ),
        f"{_KEEPER}the_last_renewals_may_take_no_longer_than_the_time_that_is_left",
    ),
    Mutant(
        "progress-carried-over",
        "progress that a run reported is not shown with the next job",
        (
            Change(
                "coordination.holder.tenure",
                "        self._reported = None\n        self._rows.begin(",
                "        self._rows.begin(",
            ),
        ),
        f"{_FOLDER}test_progress.py::test_progress_of_a_job_is_not_carried_over_to_the_next",
    ),
    Mutant(
        "hint-lost-while-reading",
        "a wake-up that comes while the line is read counts for the next look",
        (
            Change(
                "coordination.holder.upcoming",
                "        self._read_at = read_at\n",
                "        self._read_at = read_at\n        self.hinted = False\n",
            ),
        ),
        f"{_RUNS}a_hint_that_comes_while_the_line_is_read_is_not_lost",
    ),
    Mutant(
        "start-outlives-shutdown",
        "a run that is being started when the worker stops is asked to stop, too",
        (
            Change(
                "coordination.holder.tenure",
                "        elif self._is_shutting_down:\n",
                "        elif False:\n",
            ),
        ),
        f"{_RUNS}a_run_that_is_being_started_while_the_worker_stops_is_told_to_stop",
    ),
    Mutant(
        "cancellation-behind-a-lost-answer",
        "a cancellation that was accepted while an answer was lost reaches the handler",
        (
            Change(
                "coordination.holder.held_rows", "                draft.job = job\n", "                pass\n"
            ),
        ),
        f"{_HELD}a_cancellation_between_a_lost_answer_and_its_repetition_is_heeded",
    ),
    Mutant(
        "endless-silence",
        "a worker that cannot reach the journal gives up its run when the journal's own time is over",
        (
            Change(
                "coordination.holder.held_rows",
                "self._ports.clock.boot() + self._settings.times.journal_deadline, self._keeper.soft_deadline",
                "self._keeper.soft_deadline, self._keeper.soft_deadline",
            ),
        ),
        f"{_HELD}a_silent_journal_is_asked_until_the_soft_deadline_and_at_most_for_its_own_time",
    ),
    Mutant(
        "no-look-for-cancellations",
        "a cancellation reaches the holder within a renewal's time though its message was lost",
        (
            Change(
                "coordination.holder.session",
                "                looked = self._ports.clock.boot()\n"
                "                await self._glance(tenure)\n",
                "                looked = self._ports.clock.boot()\n",
            ),
        ),
        f"{_SERVING}progress_and_changes_are_looked_after_as_long_as_the_lock_is_held",
    ),
    Mutant(
        "lost-run-ended",
        "a worker that has lost its lock does not end the run",
        (
            Change(
                "coordination.holder.session",
                "                if isinstance(outcome, Lost):\n                    break\n",
                "                if isinstance(outcome, Lost):\n"
                "                    outcome = Interrupted('lost')\n",
            ),
        ),
        f"{_LEAVING}a_run_that_was_lost_is_not_ended_by_this_worker",
    ),
    Mutant(
        "never-passed-on",
        "a lock with a long line is passed on when other work waits for a place",
        (
            Change(
                "coordination.holder.session",
                "passes_on = held_long and not self._server.has_capacity",
                "passes_on = held_long and self._server.has_capacity",
            ),
        ),
        f"{_SERVING}a_lock_held_for_longer_than_the_longest_tenure_is_passed_on_when_there_is_no_room",
    ),
    Mutant(
        "wake-up-dropped-while-leaving",
        "a wake-up that comes while a lock is left has its line read again",
        (
            Change(
                "coordination.holder.session",
                "            if not self._is_notified:\n",
                "            if True:\n",
            ),
        ),
        f"{_LEAVING}a_wake_up_that_comes_while_a_lock_is_left_has_its_line_read_again",
    ),
    Mutant(
        "unwatched-after-leaving",
        "a lock that another worker got in between is watched",
        (
            Change(
                "coordination.holder.session",
                "        if self.answered.done():\n            self._watches.begin(self._name)\n",
                "",
            ),
        ),
        f"{_LEAVING}a_lock_that_another_got_meanwhile_is_watched",
    ),
    Mutant(
        "copy-sent-once",
        "a deferred copy that meets a held lock again is deferred again",
        (
            Change(
                "coordination.holder.dispatcher",
                "            if name not in self._watches or wake_up.is_deferred_copy:\n",
                "            if name not in self._watches:\n",
            ),
        ),
        f"{_COPIES}a_copy_that_meets_a_held_lock_again_is_deferred_again",
    ),
    Mutant(
        "copy-lost-where-served",
        "a deferred copy outlives a holder that dies after it was answered",
        (
            Change(
                "coordination.holder.dispatcher",
                "            if wake_up.is_deferred_copy:\n"
                "                await self._send_copy(name)\n"
                "            return",
                "            return",
            ),
        ),
        f"{_COPIES}a_notify_of_a_lock_that_is_served_here_is_a_hint_and_a_copy_is_deferred_again",
    ),
    Mutant(
        "unconfirmed-copy-counts",
        "a copy that the broker did not confirm is sent again with the next wake-up",
        (
            Change(
                "coordination.holder.dispatcher",
                "            self._copies.pop(name, None)\n            raise\n",
                "            raise\n",
            ),
        ),
        f"{_COPIES}a_wake_up_whose_copy_the_broker_did_not_confirm_comes_again",
    ),
    Mutant(
        "unhurried-watch",
        "a worker that watches a lock tries for it as soon as it is released",
        (
            Change(
                "coordination.holder.watches",
                "        if wake_up.released:\n            watch.nudged.set()\n",
                "",
            ),
        ),
        f"{_WATCHES}a_lock_that_was_released_is_tried_for_at_once",
    ),
    Mutant(
        "watch-misses-new-work",
        "work that comes while a watch looks at the line keeps the watch alive",
        (
            Change(
                "coordination.holder.watches",
                "not await self._may_have_work(name) and not watch.is_notified:",
                "not await self._may_have_work(name):",
            ),
        ),
        f"{_WATCHES}a_wake_up_during_the_look_at_a_watched_line_may_be_for_work_that_it_missed",
    ),
    Mutant(
        "no-grace",
        "runs may finish within the grace of a worker that stops",
        (
            Change(
                "coordination.holder.dispatcher",
                "        tasks = {session.task for",
                "        for session in self._sessions.values():\n"
                "            if session.tenure is not None:\n"
                "                session.tenure.request_stop(StopReason.SHUTDOWN)\n"
                "        tasks = {session.task for",
            ),
        ),
        f"{_FOLDER}test_stopping.py::test_a_run_that_ends_within_the_grace_is_not_interrupted",
    ),
    Mutant(
        "patience-starts-again",
        "a job of an unknown kind is waited for from when it was first met",
        (
            Change(
                "coordination.holder.unknown_kinds",
                "        self._met[job_id] = (first, now)\n",
                "        self._met[job_id] = (now, now)\n",
            ),
        ),
        f"{_FOLDER}test_unknown_kinds.py::test_patience_is_counted_from_the_first_meeting_not_the_last",
    ),
    Mutant(
        "state-version-forgotten",
        "state can be saved again after the run has written something else",
        (Change("coordination.holder.held_rows", "versions.get(state, earlier)", "versions.get(state)"),),
        f"{_FOLDER}test_saved_state.py::test_state_can_be_saved_again_after_another_write_of_the_run",
    ),
    Mutant(
        "long-result-cut-off",
        "the next attempt is given the whole result of a recorded step, however long it is",
        (
            Change(
                "coordination.journal.transactions",
                "split_text(done.result) |",
                "split_text(done.result[:15_000]) |",
            ),
        ),
        f"{_FOLDER}test_saved_state.py::test_what_a_run_kept_is_given_whole_to_the_next_attempt_however_long_it_is",
    ),
]
