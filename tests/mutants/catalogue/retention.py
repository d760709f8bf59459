"""Mutants of removing old jobs, and of the checker's knowledge of it."""

from tests.mutants.mutant import Change, Mutant

_PRUNING = "tests/unit/coordination/test_pruning.py::test_"
_RETENTION = "tests/unit/coordination/test_retention.py::test_"
_PINNING = "tests/unit/coordination/test_pinning.py::test_"
_RACES = "tests/unit/coordination/test_retention_races.py::test_"
_FORGOTTEN = "tests/unit/verification/test_forgotten.py::test_"
_REMOVALS = "tests/unit/verification/test_removals.py::test_"

MUTANTS = [
    Mutant(
        "removed-in-the-middle",
        "what is removed of a lock is the beginning of its history",
        (
            Change(
                "coordination.maintenance.removable",
                "    found.jobs = sorted((job for job in ended if job.row.fence <= limit), key=_order)\n",
                "    found.jobs = sorted(ended, key=_order)\n",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "first-run-overlooked",
        "a job that stays keeps all that ran after its first run, not after its last",
        (
            Change(
                "coordination.maintenance.removable",
                "    if job.attempt == 1:\n        return job.fence\n",
                "    return job.fence\n",
            ),
        ),
        f"{_PRUNING}a_job_that_ran_before_and_after_another_keeps_it",
    ),
    Mutant(
        "active-removed",
        "no job that counts as active is removed",
        (
            Change(
                "coordination.maintenance.removable",
                "not job.is_terminal or job.job_id in active",
                "not job.is_terminal",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "unprojected-removed",
        "no job is removed before the read models have its last event",
        (
            Change(
                "coordination.maintenance.removable",
                "if seqs.get(job.row.job_id, 0) >= job.row.seq:",
                "if True:",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "removed-without-a-row",
        "the id of a removed job stays in use: a late submission runs it no second time",
        (
            Change(
                "coordination.maintenance.removing",
                "operations.append(Replace(rows.job_key(removed.job_id), removed.values(), one.ended.etag))",
                "operations.append(Delete(rows.job_key(removed.job_id), one.ended.etag))",
            ),
        ),
        f"{_PRUNING}a_late_or_repeated_submission_runs_no_removed_job_again",
    ),
    Mutant(
        "removal-forgotten",
        "a removal that was cut off is finished by the next one",
        (
            Change(
                "coordination.maintenance.removing",
                "        for job_id in self.mark.unfinished:\n",
                "        for job_id in []:\n",
            ),
        ),
        f"{_PRUNING}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "removal-not-noted",
        "the mark names the jobs of which rows may be left",
        (
            Change(
                "coordination.maintenance.removing",
                "fence=self._reached(mark.fence), removing=removing)",
                "fence=self._reached(mark.fence))",
            ),
        ),
        f"{_PRUNING}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "broken-history-removed",
        "a job whose events do not add up to its row is not removed",
        (
            Change(
                "coordination.maintenance.removing", "        if not whole.adds_up:\n", "        if False:\n"
            ),
        ),
        f"{_PRUNING}a_job_whose_events_do_not_add_up_is_not_removed",
    ),
    Mutant(
        "unverified-removed",
        "nothing is removed of a lock whose history does not verify",
        (Change("coordination.maintenance.pruning", "            if refusal:\n", "            if False:\n"),),
        f"{_PRUNING}a_lock_whose_history_does_not_verify_is_left_alone",
    ),
    Mutant(
        "rebuilt-from-what-was-removed",
        "a removed job is no job: nothing projects it again",
        (
            Change(
                "coordination.journal.rows",
                "return self.status in {self.TOMBSTONE, self.REMOVED}",
                "return self.status == self.TOMBSTONE",
            ),
        ),
        f"{_PRUNING}a_projector_that_comes_late_finds_no_such_job",
    ),
    Mutant(
        "removed-rows-replaced-whatever-is-there",
        "a row is replaced only at the version that was read",
        (
            Change(
                "azure_storage.batch",
                '            return [f"PUT {row} HTTP/1.1", f"If-Match: {etag}", *_content(document)]\n',
                '            return [f"PUT {row} HTTP/1.1", "If-Match: *", *_content(document)]\n',
            ),
        ),
        "tests/unit/azure_storage/test_batch.py::test_a_row_is_replaced_at_its_version_and_as_a_whole",
    ),
    Mutant(
        "gaps-of-fences-believed",
        "I13: a run that was deleted by hand is missed by its fence",
        (
            Change(
                "verification.removals",
                "                yield from _missing(last, known.first, may_skip=may_skip)\n",
                "                pass\n",
            ),
        ),
        f"{_REMOVALS}a_job_that_was_deleted_by_hand_is_missing",
    ),
    Mutant(
        "latest-runs-not-missed",
        "I13: the latest runs are missed by the lock row's fence",
        (
            Change(
                "verification.removals",
                "            yield from _missing(last, highest + 1, may_skip=may_skip)\n",
                "            pass\n",
            ),
        ),
        f"{_REMOVALS}a_job_that_was_deleted_by_hand_is_missing[0-5]",
    ),
    Mutant(
        "marks-believed",
        "I13: a mark has the digest of the rows of the removed jobs",
        (
            Change(
                "verification.removals",
                "        if not differs and not fits:\n",
                "        if False:\n",
            ),
        ),
        f"{_REMOVALS}a_forged_mark_is_found",
    ),
    Mutant(
        "marks-not-needed",
        "I13: jobs that were removed are counted by a mark",
        (
            Change(
                "verification.removals",
                "            if self.mark is None and rows:\n",
                "            if False:\n",
            ),
        ),
        f"{_REMOVALS}removed_jobs_without_a_mark_are_found",
    ),
    Mutant(
        "missing-ids-believed",
        "I13: a registered id that is not active has a row in the journal",
        (Change("verification.register", "            if not rows:\n", "            if False:\n"),),
        f"{_REMOVALS}a_job_without_a_run_that_was_deleted_by_hand_is_missed_by_its_id",
    ),
    Mutant(
        "removed-trails-believed",
        "I7: what the trail has of a removed job ends as the job did",
        (
            Change(
                "verification.removals",
                "        return event.seq > self.seq or (event.seq == self.seq and event.hash != self.event_hash)\n",
                "        return False\n",
            ),
        ),
        f"{_REMOVALS}rows_that_came_late_into_trail_and_lists_are_no_violation",
    ),
    Mutant(
        "gone-while-its-id-is-asked-for",
        "no job goes by itself while its id, or its key, may be asked for",
        (
            Change(
                "coordination.retention_times",
                "_due(job, datetime.fromisoformat(job.finished_at), max(keep, self.ids))",
                "_due(job, datetime.fromisoformat(job.finished_at), keep)",
            ),
        ),
        f"{_RETENTION}nothing_goes_while_its_id_may_be_asked_for",
    ),
    Mutant(
        "gone-too-soon",
        "a job goes by itself at the time that is in force then, not at the one that was noted",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "            if removal is not None and removal.at <= self._now:\n",
                "            if removal is not None:\n",
            ),
        ),
        f"{_RETENTION}a_longer_time_that_was_set_since_counts",
    ),
    Mutant(
        "gone-before-it-is-projected",
        "no job goes by itself before the read models have its last event",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "        for job in [*needed, *lacking]:\n",
                "        ended += [EndedJob(one.job, one.row.etag) for one in due if one.job in lacking]\n"
                "        for job in needed:\n",
            ),
        ),
        f"{_RETENTION}a_job_stays_until_the_read_models_have_its_end",
    ),
    Mutant(
        "gone-while-a-retry-needs-it",
        "no job goes by itself while a retry needs what it recorded",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "        ended, needed = await part_by_need(self._stores.journal, self._partition, ended)\n",
                "        needed: list[JobRow] = []\n",
            ),
        ),
        f"{_RETENTION}a_job_stays_while_a_retry_needs_it",
    ),
    Mutant(
        "broken-trail-archived",
        "no job leaves the journal whose audit trail is not the journal's",
        (
            Change(
                "coordination.maintenance.removing",
                "            if hashes != [event.hash for event in whole.events]:\n",
                "            if False:\n",
            ),
        ),
        f"{_RETENTION}a_job_that_does_not_add_up_stays_and_keeps_no_other",
    ),
    Mutant(
        "trail-deleted-first",
        "a row says that its trail stands only as long as it does",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "            if await self._commit(Replace(one.row.key, removed.values(), one.row.etag)):\n",
                "            await self._stores.projected_rows.delete_trails({one.job.job_id: removed.seq})\n"
                "            if await self._commit(Replace(one.row.key, removed.values(), one.row.etag)):\n",
            ),
        ),
        f"{_RETENTION}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "trail-left-behind",
        "a trail whose removal was cut off goes at the next look",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "                await self._finish_trail(one.removal, one.removed)\n",
                "                await self._move(one.removal, removal)\n",
            ),
        ),
        f"{_RETENTION}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "cut-off-removal-left-behind",
        "what a removal that was cut off has left goes at the next look",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "        await lock.finish_earlier()\n",
                "        pass\n",
            ),
        ),
        f"{_RETENTION}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "forgotten-before-its-registration",
        "an id that is used again while it is forgotten has a registration, and is active",
        (
            Change(
                "coordination.maintenance.due_jobs",
                "            if registration is not None:\n",
                "            if False:\n",
            ),
        ),
        f"{_RACES}an_id_is_forgotten_or_refused_and_free_or_used_afterwards",
    ),
    Mutant(
        "removal-noted-again-is-lost",
        "a removal that was noted again since it was read stays",
        (
            Change(
                "azure_storage.register",
                "[Delete(_removal_key(removal), removal.version)]",
                '[Delete(_removal_key(removal), "*")]',
            ),
        ),
        "tests/conformance/test_register.py::test_a_removal_that_was_noted_again_is_another_one",
    ),
    Mutant(
        "trails-of-archived-jobs-wiped",
        "a rebuild keeps the audit trails of jobs that have left the journal",
        (
            Change(
                "azure_storage.read_models.tables",
                "                if partition in kept:\n",
                "                if False:\n",
            ),
        ),
        "tests/conformance/test_read_model_removal.py::"
        "test_trails_of_archived_jobs_stay_when_all_else_is_derived_again",
    ),
    Mutant(
        "forgotten-fences-believed",
        "I13: ranges of forgotten fences are as long as the mark says",
        (
            Change(
                "verification.removals",
                "        if count != mark.forgotten_runs + mark.forgotten_skips:\n",
                "        if False:\n",
            ),
        ),
        f"{_FORGOTTEN}a_forged_mark_of_forgotten_jobs_is_found",
    ),
    Mutant(
        "archived-trails-believed",
        "I7: the trail of a job that has left the journal is whole",
        (
            Change(
                "verification.removals",
                "            return not is_whole or (event.seq, event.hash) != (self.seq, self.event_hash)\n",
                "            return (event.seq, event.hash) != (self.seq, self.event_hash)\n",
            ),
        ),
        f"{_FORGOTTEN}the_trail_of_an_archived_job_that_was_changed_is_found",
    ),
    Mutant(
        "archived-trails-not-missed",
        "I7: the trail of a job that has left the journal is there",
        (
            Change(
                "verification.trail",
                '            "SELECT job_id, partition FROM removed_jobs WHERE has_trail AND NOT in_trail"\n',
                '            "SELECT job_id, partition FROM removed_jobs WHERE 0"\n',
            ),
        ),
        f"{_FORGOTTEN}the_trail_of_an_archived_job_that_is_gone_is_found",
    ),
    Mutant(
        "times-to-keep-believed",
        "I1: a job's row says the time to keep it that its submission said",
        (
            Change(
                "verification.told_rows",
                '        self.columns["keep"] = data.get("keep", "")\n',
                "        pass\n",
            ),
        ),
        f"{_FORGOTTEN}a_shorter_time_in_a_row_is_found",
    ),
    Mutant(
        "time-to-keep-not-announced",
        "the rows in a message say when a job may go",
        (Change("service_defaults.broker.announcing", '        "keep",\n', ""),),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_when_a_job_may_go",
    ),
    Mutant(
        "pinned-job-removed",
        "a pinned job stays, whatever its time is",
        (
            Change(
                "coordination.retention_times",
                "        if keep is None or job.is_pinned or not job.finished_at:\n",
                "        if keep is None or not job.finished_at:\n",
            ),
        ),
        f"{_PINNING}a_pinned_job_stays_and_goes_once_it_is_unpinned",
    ),
    Mutant(
        "pinned-job-removed-by-hand",
        "`turnstile prune` leaves a pinned job",
        (
            Change(
                "coordination.maintenance.removable",
                "    if job.is_pinned:\n",
                "    if False:\n",
            ),
        ),
        f"{_PINNING}a_removal_by_hand_leaves_it_and_what_ran_behind_it",
    ),
    Mutant(
        "unpinned-job-forgotten",
        "the time of a job that is unpinned is noted again",
        (
            Change(
                "coordination.clients.pinning",
                "            lambda found, writer: build_pin(found, writer, reason, is_pinned=is_pinned),\n"
                "        )\n"
                "        await self.submitter.activate(registration)\n",
                "            lambda found, writer: build_pin(found, writer, reason, is_pinned=is_pinned),\n"
                "        )\n"
                "        await self.submitter.register.retire(job.job_id)\n",
            ),
        ),
        f"{_PINNING}a_pinned_job_stays_and_goes_once_it_is_unpinned",
    ),
    Mutant(
        "pins-by-anyone-believed",
        "I3: a job is pinned and unpinned by turns",
        (
            Change(
                "verification.history",
                "                return self._is_pinned is (status is EventStatus.UNPINNED)\n",
                "                return True\n",
            ),
        ),
        "tests/unit/verification/test_pinned.py::test_a_pin_that_cannot_be_is_found",
    ),
    Mutant(
        "pin-not-announced",
        "the rows in a message say whether a job is pinned",
        (Change("service_defaults.broker.announcing", '        "pinned_at",\n', ""),),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_that_a_job_is_pinned",
    ),
    Mutant(
        "archived-job-gone",
        "a job whose audit trail stands is answered from it",
        (
            Change(
                "publisher.use_cases.jobs",
                "            if not archived:\n",
                "            if True:\n",
            ),
        ),
        "tests/unit/publisher/test_archived.py::test_an_archived_job_is_answered_from_its_audit_trail",
    ),
    Mutant(
        "deleted-job-archived",
        "a job is archived only while its audit trail stands",
        (
            Change(
                "coordination.clients.job_writer",
                '    raise JobRemovedError(has_trail=bool(row.values.get("has_trail")))\n',
                "    raise JobRemovedError(has_trail=True)\n",
            ),
        ),
        "tests/unit/publisher/test_archived.py::test_a_job_whose_trail_has_gone_is_deleted",
    ),
    Mutant(
        "job-without-its-registration",
        "a job is registered whose id was forgotten while it was submitted again",
        (
            Change(
                "coordination.clients.submission",
                "        if is_again:\n",
                "        if False:\n",
            ),
        ),
        f"{_RACES}an_id_is_forgotten_or_refused_and_free_or_used_afterwards",
    ),
]
