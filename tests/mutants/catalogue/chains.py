"""Mutants of jobs that wait for others, and of the checker's knowledge of them."""

from tests.mutants.mutant import Change, Mutant

_FOLLOWERS = "tests/unit/coordination/test_followers.py::test_"
_RACES = "tests/unit/coordination/test_follower_races.py::test_"
_JUDGED = "tests/unit/verification/test_predecessors.py::test_"
_PROJECTED = "tests/unit/audit_projector/test_followers.py::test_"

MUTANTS = [
    Mutant(
        "follower-in-line",
        "a job that waits for others has no ticket",
        (
            Change(
                "coordination.clients.submission",
                "    if not job.waits_for_jobs:\n        # One",
                "    if True:\n        # One",
            ),
        ),
        f"{_FOLLOWERS}a_follower_waits_in_no_line_until_all_jobs_have_completed",
    ),
    Mutant(
        "released-by-the-first",
        "a job waits until all have completed that it named",
        (
            Change(
                "coordination.clients.settling",
                "    left = {job_id: lock for job_id, lock in job.awaited.items() if job_id not in over}\n",
                "    left: dict[str, str] = {}\n",
            ),
        ),
        f"{_FOLLOWERS}a_follower_waits_in_no_line_until_all_jobs_have_completed",
    ),
    Mutant(
        "released-by-any-end",
        "only a job that has completed releases those that wait for it",
        (
            Change(
                "coordination.clients.settling",
                "if end != JobStatus.COMPLETED), None)",
                'if end == "gone"), None)',
            ),
        ),
        f"{_FOLLOWERS}where_one_has_not_completed_the_follower_fails",
    ),
    Mutant(
        "note-against-the-end",
        "a note is refused when the job ends in the meantime, or its end is looked for again",
        (
            Change(
                "coordination.clients.followers",
                "    marks: list[Operation] = [Update(rows.job_key(found.job.job_id), "
                '{"has_followers": True}, found.etag)]\n',
                "    marks: list[Operation] = []\n",
            ),
        ),
        f"{_RACES}a_job_ends_while_its_follower_is_submitted",
    ),
    Mutant(
        "ticket-without-a-note",
        "the ticket of a job says that it has followers, as a start copies it",
        (
            Change(
                "coordination.clients.followers",
                "    if found.ticket is not None:\n        marks.append(",
                "    if found.ticket is None:\n        marks.append(",
            ),
        ),
        f"{_FOLLOWERS}the_row_and_the_ticket_of_a_job_say_that_it_has_followers",
    ),
    Mutant(
        "ended-before-it-was-noted",
        "a submission takes a job for over that has ended when it is noted",
        (
            Change(
                "coordination.clients.followers",
                "            if found.job.is_terminal:\n                return found.job.status\n",
                '            if found.job.is_terminal:\n                return ""\n',
            ),
        ),
        f"{_RACES}a_job_ends_while_its_follower_is_submitted",
    ),
    Mutant(
        "chain-left-by-a-crash",
        "the sweeper looks at jobs that wait for others",
        (
            Change(
                "coordination.maintenance.comparison",
                "            await self._settle(active, job)\n",
                "            pass\n",
            ),
        ),
        f"{_FOLLOWERS}the_sweeper_releases_a_follower_whose_submission_got_no_further",
    ),
    Mutant(
        "retired-before-its-followers",
        "a job stays active until its followers are settled",
        (
            Change(
                "audit_projector.projection",
                "        if known.has_followers and self._followers is not None:\n",
                "        if known.has_followers and self._followers is None:\n",
            ),
        ),
        f"{_PROJECTED}a_job_whose_followers_cannot_be_settled_stays_active",
    ),
    Mutant(
        "expires-while-it-waits-for-others",
        "the time in line begins with the release",
        (
            Change(
                "coordination.clients.submission",
                "        if self.expires_in is None or self.awaited:\n",
                "        if self.expires_in is None:\n",
            ),
        ),
        f"{_FOLLOWERS}the_time_in_line_begins_with_the_release",
    ),
    Mutant(
        "expiry-not-registered",
        "the register says when a job that was released expires",
        (
            Change(
                "coordination.clients.followers",
                "            await self.let_expire(job)\n",
                "",
            ),
        ),
        f"{_FOLLOWERS}the_time_in_line_begins_with_the_release",
    ),
    Mutant(
        "follower-not-cancelled",
        "a job that waits for others is cancelled at once",
        (
            Change(
                "coordination.clients.cancellation",
                "    if found.ticket is not None or job.waits_for_jobs:\n",
                "    if found.ticket is not None:\n",
            ),
        ),
        f"{_FOLLOWERS}a_follower_is_cancelled_while_it_waits",
    ),
    Mutant(
        "followers-not-announced",
        "the rows in a message say whether a job has followers",
        (Change("service_defaults.broker.announcing", '        "has_followers",\n', ""),),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_that_a_job_has_followers",
    ),
    Mutant(
        "start-before-others-believed",
        "I3: no run starts while its job waits for others",
        (
            Change(
                "verification.history",
                "self._tries.start(event) or self.predecessors.start()\n",
                "self._tries.start(event)\n",
            ),
        ),
        f"{_JUDGED}a_job_does_not_start_while_it_waits",
    ),
    Mutant(
        "completion-elsewhere-believed",
        "I3: a job that another waited for has completed, whatever its lock",
        (
            Change(
                "verification.predecessors",
                "    if status != claim.status:\n",
                '    if status == "never":\n',
            ),
        ),
        f"{_JUDGED}a_job_does_not_start_after_another_lock_s_job_has_failed",
    ),
    Mutant(
        "late-completion-believed",
        "I3: a job that another waited for has ended before",
        (
            Change(
                "verification.predecessors",
                "    if ended_at and _moment",
                "    if not ended_at and _moment",
            ),
        ),
        f"{_JUDGED}a_job_is_not_released_before_the_other_has_ended",
    ),
    Mutant(
        "batch-names-a-later-job",
        "a job of a batch names no later one",
        (
            Change(
                "publisher.http.batches",
                "            if place > number:\n",
                "            if place > number + len(self._is_answered):\n",
            ),
        ),
        "tests/unit/publisher/test_waiting_for_jobs.py"
        "::test_a_job_of_a_batch_waits_for_no_later_one_and_for_none_that_was_refused",
    ),
]
