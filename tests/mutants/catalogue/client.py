"""Mutants of the client library: ids, repetitions, pauses, waits and streams."""

from tests.mutants.mutant import Change, Mutant

_SUBMITTING = "tests/unit/client/test_submitting.py::test_"
_FOLLOWING = "tests/unit/client/test_following.py::test_"

_ARGUMENTS = "tests/unit/client/test_arguments.py::test_"

MUTANTS = [
    Mutant(
        "nan-without-its-place",
        "an argument that is not JSON is named with its place",
        (
            Change(
                "turnstile.client.arguments",
                "case float() if not math.isfinite(value):",
                "case float() if False:",
            ),
        ),
        f"{_ARGUMENTS}an_argument_that_cannot_be_sent_is_named_and_nothing_is_sent",
    ),
    Mutant(
        "jobs-of-a-batch-checked-too-late",
        "no job of a batch is sent when another one of it cannot be",
        (Change("turnstile.client.batches", "for part in list(parts(jobs)):", "for part in parts(jobs):"),),
        f"{_ARGUMENTS}no_part_of_a_batch_is_sent_when_a_later_job_cannot_be",
    ),
    Mutant(
        "closed-client-raises-as-httpx-does",
        "a closed client raises an error of the client",
        (Change("turnstile.client.connection", "if http.is_closed:", "if False:"),),
        f"{_ARGUMENTS}a_closed_client_says_so",
    ),
    Mutant(
        "own-submission-taken-for-another",
        "a submission whose answer was lost finds its job when it is sent again",
        (Change("turnstile.client.calls", 'if error.problem.get("same_request") is not True:', "if True:"),),
        f"{_SUBMITTING}a_lost_answer_is_asked_for_again_under_the_same_id",
    ),
    Mutant(
        "job-of-another-taken-for-ones-own",
        "an id that another job has is a conflict",
        (Change("turnstile.client.calls", 'if error.problem.get("same_request") is not True:', "if False:"),),
        f"{_SUBMITTING}an_id_of_another_job_is_a_conflict_that_carries_the_problem",
    ),
    Mutant(
        "retry-after-ignored",
        "a client sends no request again before Retry-After allows it",
        (Change("turnstile.client.calls", "seconds = max(pause, error.retry_after)", "seconds = pause"),),
        f"{_SUBMITTING}a_pause_is_as_long_as_the_publisher_wants_it",
    ),
    Mutant(
        "call-without-an-end",
        "a call is over when its time is",
        (
            Change(
                "turnstile.client.calls",
                "or time.monotonic() + seconds >= until:\n                raise\n",
                "or tries == 99:\n                raise\n",
            ),
        ),
        f"{_SUBMITTING}a_call_ends_when_its_time_is_over",
    ),
    Mutant(
        "batch-too-large",
        "no request of a batch is larger than the publisher takes",
        (Change("turnstile.client.batches", " or size + needed > MAX_BATCH_BYTES", ""),),
        f"{_SUBMITTING}large_jobs_are_sent_in_requests_that_are_not_too_large",
    ),
    Mutant(
        "ids-lost-with-the-answer",
        "a job of a batch keeps its id when there is no answer",
        (Change("turnstile.client.batches", "problem={**problem, **named}", "problem=problem"),),
        f"{_SUBMITTING}jobs_without_an_answer_keep_their_ids_and_those_of_other_parts_their_answers",
    ),
    Mutant(
        "stream-begun-again",
        "a broken stream continues behind the last event",
        (
            Change(
                "turnstile.client.following",
                "self._last_id = message.id or self._last_id",
                "self._last_id = self._last_id",
            ),
        ),
        f"{_FOLLOWING}a_broken_stream_is_taken_up_where_it_was",
    ),
    Mutant(
        "own-cancellation-too-late",
        "a cancellation whose answer was lost is a success when it is sent again",
        (Change("turnstile.client.calls", "if error.tries == 1 or", "if error.tries > 0 or"),),
        f"{_FOLLOWING}a_cancellation_has_its_reason_and_finds_itself_after_a_lost_answer",
    ),
]
