"""The audit projector: trail, summaries, lists, lock runs, exclusion."""

from tests.mutants.mutant import Change, Mutant

_PROJECTION = "audit_projector.projection"
_ANNOUNCED = "audit_projector.announced"
_READER = "audit_projector.announcement_reader"
_CHAIN = "audit_projector.chain"
_EXCLUSION = "audit_projector.exclusion"
_RECOLLECTIONS = "audit_projector.projection_cache"
_HANDLING = "audit_projector.handling"
_ROOM = "audit_projector.room"

_SUMMARIES = "tests/unit/audit_projector/test_summaries.py::test_"
_CHAINS = "tests/unit/audit_projector/test_chain.py::test_"
_TRIES = "tests/unit/audit_projector/test_tries.py::test_"
_OVERLAPS = "tests/unit/audit_projector/test_exclusion.py::test_"
_REMEMBERED = "tests/unit/audit_projector/test_projection_cache.py::test_"
_BELIEVING = "tests/unit/audit_projector/test_believing.py::test_"
_MESSAGES = "tests/unit/audit_projector/test_handling.py::test_"
_SEARCH = "tests/unit/audit_projector/test_event_search.py::test_"
_ROOMS = "tests/unit/audit_projector/test_room.py::test_"

MUTANTS = [
    Mutant(
        "no-search-for-events",
        "while no message can arrive, the trail goes on",
        (
            Change(
                "audit_projector.event_search",
                "        await self._project(self._found)\n",
                "",
            ),
        ),
        f"{_SEARCH}a_job_is_in_the_trail_step_by_step_though_no_message_comes",
    ),
    Mutant(
        "late-messages-ask-again",
        "a message about a job that is wholly projected costs no request",
        (
            Change(
                _PROJECTION,
                "        if not afresh and self._cache.has_ended(job_id, up_to):\n            return 0\n",
                "",
            ),
        ),
        f"{_SEARCH}messages_that_come_late_find_nothing_to_do_and_ask_nobody",
    ),
    Mutant(
        "room-for-a-slow-storage",
        "a storage that answers late gets fewer jobs at the same time",
        (
            Change(
                _ROOM,
                "            self._size = max(self._size // 2, self._least)\n",
                "",
            ),
        ),
        f"{_ROOMS}a_slow_job_halves_the_room_as_well",
    ),
    Mutant(
        "room-halved-by-each",
        "jobs that were slow together make the room smaller once",
        (Change(_ROOM, "        elif began >= self._halved_at:\n", "        else:\n"),),
        f"{_ROOMS}a_failure_halves_the_room_once_for_all_who_were_inside",
    ),
    Mutant(
        "patience-counts-from-the-turn",
        "a message is given back in time although it waited for others about its job",
        (
            Change(
                "audit_projector.handling",
                "                    await self._project_patiently(turn, until)\n",
                "                    await self._project_patiently(turn, self._clock.boot() + self._patience_seconds)\n",
            ),
        ),
        f"{_MESSAGES}messages_about_one_job_are_all_given_back_in_time_though_they_wait_for_each_other",
    ),
    Mutant(
        "interruption-in-passing",
        "an interruption alone in its message is shown and counted in the summary",
        (
            Change(
                "contracts.statuses",
                "INTERRUPTED: _Meaning(RunPart.END, is_terminal=False, changes_summary=True)",
                "INTERRUPTED: _Meaning(RunPart.END, is_terminal=False, changes_summary=False)",
            ),
        ),
        f"{_SUMMARIES}an_interruption_alone_in_its_message_is_shown_and_counted",
    ),
    Mutant(
        "interruptions-not-counted",
        "a summary says how often a job was interrupted",
        (
            Change(
                _PROJECTION,
                "            interruptions=job.interruptions,\n",
                "            interruptions=job.deaths,\n",
            ),
        ),
        f"{_SUMMARIES}a_summary_says_all_that_is_known_of_a_job",
    ),
    Mutant(
        "watermark-first",
        "everything that is marked as projected is there",
        (
            Change(
                _PROJECTION,
                "        with self._convoy.under_way():\n"
                "            await self._record_events(partition, chain, events, known.summary)\n"
                "        await self._convoy.wait()\n"
                "        # Last, so that what is marked as projected is there.\n",
                "        for event in events:\n            chain.append(event)\n",
            ),
            Change(
                _PROJECTION,
                "        self._observe(EventsProjected(events, afresh))\n",
                "        chain = Chain(Watermark() if afresh else known.mark)\n"
                "        await self._record_events(partition, chain, events, known.summary)\n"
                "        self._observe(EventsProjected(events, afresh))\n",
            ),
        ),
        f"{_TRIES}a_call_that_fails_leaves_nothing_out_when_the_message_is_tried_again",
    ),
    Mutant(
        "counted-before-written",
        "an event is counted once, however often it is tried",
        (
            Change(
                _PROJECTION,
                "        etag = await self._models.record_summary(known.summary, mark, known.mark.etag)\n"
                "        self._observe(EventsProjected(events, afresh))\n",
                "        self._observe(EventsProjected(events, afresh))\n"
                "        etag = await self._models.record_summary(known.summary, mark, known.mark.etag)\n",
            ),
        ),
        f"{_TRIES}a_call_that_fails_leaves_nothing_out_when_the_message_is_tried_again",
    ),
    Mutant(
        "ended-job-stays-active",
        "a job is active until its last event is projected, and not longer",
        (
            Change(
                _PROJECTION,
                "        if EventStatus(events[-1].status).is_last:\n"
                "            await self._retire(job_id, known, mark.seq)\n",
                "",
            ),
        ),
        f"{_SUMMARIES}after_every_message_the_read_models_say_what_the_journal_says",
    ),
    Mutant(
        "gap-in-numbers-fits",
        "an event whose number does not follow is marked as a break of the trail",
        (Change(_CHAIN, "event.seq == self.seq + 1 and ", "event.seq > self.seq and "),),
        f"{_CHAINS}a_number_that_is_repeated_or_left_out_does_not_fit_although_its_hash_is_right",
    ),
    Mutant(
        "any-predecessor-fits",
        "an event that names another one before it is marked as a break of the trail",
        (Change(_CHAIN, " and event.previous_hash == self.hash", ""),),
        f"{_CHAINS}an_event_that_names_another_one_before_it_does_not_fit_although_its_hash_is_right",
    ),
    Mutant(
        "foreign-interruption-unnoticed",
        "every write of a holder for another run violates exclusion",
        (
            Change(
                _CHAIN,
                "status.run_part not in {RunPart.WITHIN, RunPart.END}",
                "not (status.is_terminal or status.run_part is RunPart.WITHIN)",
            ),
        ),
        f"{_CHAINS}what_a_holder_writes_for_another_run_is_foreign",
    ),
    Mutant(
        "any-transaction-may-end",
        "only the transaction that interrupted a run may fail its job",
        (Change(_CHAIN, "event.op_id != self._ended_in", "not self._ended_in"),),
        f"{_CHAINS}only_the_transaction_that_interrupted_a_run_may_fail_the_job",
    ),
    Mutant(
        "running-fence-forgotten",
        "the watermark keeps which run is in progress",
        (
            Change(
                _CHAIN,
                "            self.hash,\n            self.running_fence,\n",
                "            self.hash,\n",
            ),
        ),
        f"{_SUMMARIES}a_lock_run_says_who_had_the_lock_from_when_to_when",
    ),
    Mutant(
        "tolerance-excluded",
        "clocks that differ by up to five seconds raise no alarm",
        (Change(_EXCLUSION, "overlap <= CLOCK_TOLERANCE", "overlap < CLOCK_TOLERANCE"),),
        f"{_OVERLAPS}clocks_that_differ_by_up_to_five_seconds_raise_no_alarm",
    ),
    Mutant(
        "another-run-of-the-job-goes-on",
        "a job that runs again is not a run that has not ended",
        (
            Change(
                _EXCLUSION,
                "return job.status == JobStatus.RUNNING and is_same",
                "return job.status == JobStatus.RUNNING",
            ),
        ),
        f"{_OVERLAPS}an_end_that_is_only_not_projected_yet_is_no_violation_although_the_job_runs_again",
    ),
    Mutant(
        "compared-with-the-run-before-only",
        "a run is compared with the runs on either side, whichever is projected first",
        (Change(_EXCLUSION, "if fence in {earlier.fence, later.fence}:", "if fence == later.fence:"),),
        f"{_OVERLAPS}a_run_is_compared_with_those_on_either_side",
    ),
    Mutant(
        "marked-by-none",
        "an overlap is reported once by all projectors together",
        (
            Change(
                _EXCLUSION,
                "if lock_run is not None and lock_run.overlap not in {None, self._mark}:",
                "if lock_run is not None and lock_run.overlap == self._mark:",
            ),
        ),
        f"{_OVERLAPS}a_violation_is_told_once_by_all_projectors_together",
    ),
    Mutant(
        "gap-answered-from-memory",
        "what comes after a gap in the messages is looked up",
        (Change(_RECOLLECTIONS, "known.heard + 1 == first", "known.heard < first"),),
        f"{_REMEMBERED}what_comes_after_a_gap_is_looked_up",
    ),
    Mutant(
        "old-summary-remembered",
        "a summary that is older than its watermark is not remembered",
        (Change(_RECOLLECTIONS, "known.mark.seq > known.as_of or ", ""),),
        f"{_REMEMBERED}a_summary_read_before_others_projected_more_is_not_remembered",
    ),
    Mutant(
        "first-event-counts",
        "a job is projected up to the last event that a message names",
        (Change(_HANDLING, "item.job_id, item.last, first", "item.job_id, item.first, first"),),
        f"{_MESSAGES}a_job_is_projected_from_the_first_event_of_a_message_to_its_last",
    ),
    Mutant(
        "given-back-at-once",
        "a message waits ten minutes for a storage that is away",
        (
            Change(
                _HANDLING,
                "            except UnknownOutcomeError as error:\n",
                "            except UnknownOutcomeError as error:\n"
                "                raise NackMessage from error\n",
            ),
        ),
        f"{_MESSAGES}a_message_is_given_back_when_the_storage_stays_away_for_ten_minutes",
    ),
    Mutant(
        "rows-without-a-seal",
        "a forged message can put nothing into the audit trail",
        (Change(_READER, "_news(item) if is_sealed and (lock", "_news(item) if (lock"),),
        f"{_BELIEVING}a_forged_message_puts_nothing_into_the_trail",
    ),
    Mutant(
        "gap-believed",
        "events that do not continue what is projected are read from the journal",
        (Change(_ANNOUNCED, "return behind if fits else ()", "return behind"),),
        f"{_BELIEVING}what_comes_after_a_gap_is_read_from_the_journal",
    ),
    Mutant(
        "hash-not-computed",
        "an event is believed only if its hash is that of what it says",
        (Change(_READER, "if has_hashes and is_chain(events)", "if is_chain(events)"),),
        f"{_BELIEVING}rows_that_do_not_fit_together_are_read_from_the_journal",
    ),
    Mutant(
        "merged-with-a-gap",
        "announcements that leave a gap are not taken for the events in between",
        (Change(_ANNOUNCED, " and is_chain(events)\n", "\n"),),
        "tests/unit/audit_projector/test_announced.py"
        "::test_announcements_with_a_gap_are_read_from_the_journal",
    ),
]
