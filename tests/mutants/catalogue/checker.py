"""The checker: what `turnstile verify` finds, and what it leaves alone."""

from tests.mutants.mutant import Change, Mutant

_TESTS = "tests/unit/verification/test_"

MUTANTS = [
    Mutant(
        "replacement-not-looked-for",
        "the checker finds a job that was replaced by one that was never submitted",
        (
            Change(
                "verification.lock_reading",
                "            self._replaced[history.job_id] = history.replaced_by\n",
                "            pass\n",
            ),
        ),
        "tests/unit/verification/test_forged_ends.py"
        "::test_a_job_that_took_the_place_of_another_was_submitted",
    ),
    Mutant(
        "late-start-accepted",
        "the checker finds a job that was started after its time in line",
        (
            Change(
                "verification.authorship_rules",
                "is_late = bool(expires_at) and not attempts and event.timestamp >= expires_at",
                "is_late = False",
            ),
        ),
        "tests/unit/verification/test_forged_ends.py::test_a_job_that_was_started_after_its_time_is_found",
    ),
    Mutant(
        "gap-in-events-tolerated",
        "I1: events are numbered without gap, also where the row was counted again and all hashes computed",
        (
            Change(
                "verification.history",
                "if event.seq != self._seq + 1:",
                "if event.seq <= self._seq:",
            ),
        ),
        f"{_TESTS}forged_chains.py::test_one_forged_event_is_one_violation_that_names_its_job_and_run",
    ),
    Mutant(
        "chain-not-followed",
        "I1: each event carries the hash of the one before it",
        (
            Change(
                "verification.history",
                "        if event.previous_hash != self._hash:\n",
                "        if False:\n",
            ),
        ),
        f"{_TESTS}forged_chains.py::test_one_forged_event_is_one_violation_that_names_its_job_and_run",
    ),
    Mutant(
        "ticket-taken-as-read",
        "I1: a ticket's copy of a job says what the job's events add up to",
        (Change("verification.lock_reading", '            self._compare("ticket", values, facts)\n', ""),),
        f"{_TESTS}forged_chains.py::test_a_ticket_that_differs_in_one_value_is_found",
    ),
    Mutant(
        "late-steps-of-a-chained-run-tolerated",
        "I2: no run writes after a later one had begun, by the storage's own times",
        (
            Change(
                "verification.exclusion",
                "is_late = late > _COMMIT_RESOLUTION or ended > allowed",
                "is_late = late > allowed or ended > allowed",
            ),
        ),
        f"{_TESTS}limits.py::test_a_run_that_wrote_after_the_next_had_begun_is_found_by_the_storages_times",
    ),
    Mutant(
        "any-worker-ends-a-run",
        "I2: only a run's own worker writes for it; another may only find it cut off",
        (
            Change(
                "verification.authorship_rules",
                "(status is EventStatus.INTERRUPTED and event.worker is not None)",
                "event.worker is not None",
            ),
        ),
        f"{_TESTS}broken_transactions.py::test_what_a_faulty_holder_wrote_is_found_and_nothing_else",
    ),
    Mutant(
        "lock-without-a-start",
        "I2: a run begins in the transaction in which its job got the lock",
        (Change("verification.lock_reading", "        history.close()\n", ""),),
        f"{_TESTS}forged_runs.py::test_a_job_that_got_the_lock_and_never_began_is_found",
    ),
    Mutant(
        "second-submission-tolerated",
        "I3: every accepted job was submitted once",
        (
            Change(
                "verification.history",
                "        elif status is EventStatus.SUBMITTED:\n",
                "        elif False:\n",
            ),
        ),
        f"{_TESTS}forged_ends.py::test_a_second_submission_is_found",
    ),
    Mutant(
        "register-of-another-lock",
        "I3: every job is registered where it lives",
        (Change("verification.register", " OR registered.partition != jobs.partition)", ")"),),
        f"{_TESTS}accepted.py::test_a_job_that_is_not_registered_where_it_lives_is_named",
    ),
    Mutant(
        "fences-before-the-period-forgotten",
        "I4: the sink accepts no effect under a lower fence than ever before",
        (
            Change(
                "verification.ledger",
                "            self._highest[effect.place] = max(highest, effect.fence)\n"
                "            if is_inside:\n",
                "            if is_inside:\n"
                "                self._highest[effect.place] = max(highest, effect.fence)\n",
            ),
        ),
        f"{_TESTS}ledgers.py::test_a_fence_that_was_seen_before_the_period_counts",
    ),
    Mutant(
        "fences-of-two-slots-compared",
        "I4: the sink accepts no lower fence within a slot; those of two slots say nothing about each other",
        (
            Change(
                "verification.effects",
                "        return self.key, self.slot\n\n    @property\n    def run(",
                "        return self.key, 0\n\n    @property\n    def run(",
            ),
        ),
        f"{_TESTS}ledger_slots.py::test_a_fence_counts_within_its_slot_alone",
    ),
    Mutant(
        "steps-of-two-slots-compared-by-fence",
        "I10: of a step that had its effect again, the attempts are compared, as fences of two slots cannot be",
        (
            Change(
                "verification.ledger",
                "        if recorded_in < attempt or (",
                "        if fence < effect.fence or (",
            ),
        ),
        f"{_TESTS}ledger_slots.py::"
        "test_an_effect_of_an_earlier_attempt_repeats_nothing_although_its_slot_has_higher_fences",
    ),
    Mutant(
        "one-late-effect-too-many",
        "I5: a run has no more late effects than may be cut off within a call",
        (
            Change(
                "verification.ledger",
                "            if count > self._late_effects:\n",
                "            if count > self._late_effects + 1:\n",
            ),
        ),
        f"{_TESTS}ledgers.py::test_a_run_may_have_so_many_effects_beyond_the_tolerance",
    ),
    Mutant(
        "hashes-of-the-trail-believed",
        "I7: the trail says the same as the journal, its hashes included",
        (
            Change(
                "verification.history",
                'f"{computed} {event.hash} {event.previous_hash} {trace_id}\\n"',
                'f"{computed} {event.previous_hash} {trace_id}\\n"',
            ),
        ),
        f"{_TESTS}forged_trails.py::test_an_event_that_the_trail_tells_otherwise_in_one_value_is_found",
    ),
    Mutant(
        "late-trail-blamed-at-once",
        "what follows from the journal with a delay has time to catch up",
        (
            Change(
                "verification.trail",
                "                elif is_last or not found[0].message.startswith(_LATE):\n",
                "                else:\n",
            ),
        ),
        f"{_TESTS}catching_up.py::test_what_has_come_by_the_last_look_is_no_violation",
    ),
    Mutant(
        "interrupted-job-left-lying",
        "I8: every interrupted job was started again, has ended, or waits in line",
        (
            Change(
                "verification.lock_reading",
                "Invariant.TAKEN_UP_AGAIN if attempts else Invariant.ONE_END",
                "Invariant.ONE_END",
            ),
        ),
        f"{_TESTS}forged_ends.py::test_a_job_that_waits_nowhere_is_named",
    ),
    Mutant(
        "held-leases-of-the-first-batch",
        "I9: no idle lock is leased, however many locks there are",
        (Change("verification.leftovers", "        held |= {\n", "        held = {\n"),),
        f"{_TESTS}catching_up.py::test_the_lease_of_each_idle_lock_is_looked_at",
    ),
    Mutant(
        "steps-in-any-order",
        "I10: steps are recorded one after the other, each once",
        (
            Change(
                "verification.history",
                "        if number_of(event.data) not in {None, self._steps}:\n",
                "        if False:\n",
            ),
        ),
        f"{_TESTS}forged_ends.py::test_a_step_is_recorded_as_the_next_one",
    ),
    Mutant(
        "urgent-job-hides-a-slow-take-over",
        "I11: a take-over counts until another run begins, whichever job that is",
        (
            Change(
                "verification.exclusion",
                " and not (cause and self._waits(earlier, later.queued_at)):",
                ":",
            ),
        ),
        f"{_TESTS}limits.py::test_a_job_that_was_cut_off_and_waits_makes_no_empty_line",
    ),
    Mutant(
        "lost-worker-counted-from-its-end",
        "I11: a lost worker's take-over counts from its last recorded sign of life",
        (
            Change(
                "verification.exclusion",
                'since = earlier.last_at if cause == "worker_lost" else since',
                "since = earlier.ended_at",
            ),
        ),
        f"{_TESTS}limits.py::test_a_take_over_may_take_exactly_as_long_as_its_limit",
    ),
    Mutant(
        "many-violations-hide-others",
        "many violations of one invariant hide none of another",
        (
            Change(
                "verification.lock_reading",
                "if self._kept[violation.invariant] < _MOST_KEPT:",
                "if len(self.violations) < _MOST_KEPT:",
            ),
        ),
        f"{_TESTS}pictures.py::test_very_many_violations_of_one_invariant_hide_no_other",
    ),
    Mutant(
        "nothing-called-proof",
        "a lock without history proves nothing: exit code 2",
        (
            Change(
                "verification.checking",
                "        if verdict.holds:\n            self._refuse_nothing(verdict)\n",
                "",
            ),
        ),
        f"{_TESTS}command.py::test_nothing_is_not_called_proof",
    ),
    Mutant(
        "found-again-or-not",
        "what is not found at a second reading of a lock in use is not a violation",
        (
            Change(
                "verification.checking",
                "            self._findings.add(await self._read_again(partition, violations))\n",
                "            await self._read_again(partition, violations)\n"
                "            self._findings.add(violations)\n",
            ),
        ),
        f"{_TESTS}reading_again.py::test_what_is_not_found_again_is_no_violation_and_counts_for_nothing",
    ),
    Mutant(
        "waits-since-submission",
        "a job that was interrupted has waited in line since its interruption, not since its submission",
        (
            Change(
                "verification.history",
                "            self._queued_at = event.timestamp\n            if run",
                "            if run",
            ),
        ),
        f"{_TESTS}waiting_times.py::test_a_job_that_was_interrupted_waits_in_line_from_its_interruption_on",
    ),
    Mutant(
        "overlaps-of-pages-believed",
        "I12: what pages show as an overlap is one in the journal",
        (
            Change(
                "verification.run_lists",
                'if str(shown.values.get("Lock")) not in self._broken:',
                "if False:",
            ),
        ),
        f"{_TESTS}broken_lists.py::test_a_row_that_is_missing_or_too_many_is_found",
    ),
    Mutant(
        "columns-of-runs-believed",
        "I12: each column of the list of runs says the same as the journal",
        (
            Change(
                "verification.run_lists",
                "            if differences(self._expected(run), row.values):\n",
                "            if False:\n",
            ),
        ),
        f"{_TESTS}broken_lists.py::test_a_column_of_the_list_of_runs_that_says_otherwise_is_found",
    ),
    Mutant(
        "lists-of-rare-states-not-read",
        "I12: a job stands in the list of each rare state that it is in, and in no other",
        (
            Change(
                "verification.expected_rows",
                "        found.append(facts.status)\n",
                "        pass\n",
            ),
        ),
        f"{_TESTS}broken_lists.py::test_a_row_that_is_missing_or_too_many_is_found",
    ),
    Mutant(
        "reason-of-cancellation-believed",
        "I1: a job's row says who asked for its cancellation, and why, as its events do",
        (
            Change(
                "verification.row_checks",
                "    for name, due in json.loads(facts.told).items():\n",
                "    for name, due in ():\n",
            ),
        ),
        f"{_TESTS}broken_lists.py::test_what_the_page_of_a_job_shows_must_be_what_its_events_say",
    ),
]
