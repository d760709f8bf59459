"""What is wrong with the jobs that a submission is to wait for."""

from contracts.jobs import Submission
from contracts.policies import JobPolicy
from coordination.clients.followers import UnknownPredecessorError
from submission.errors import InvalidSubmissionError
from submission.fields import FieldProblem


def check_after(asked: Submission, job_id: str, policy: JobPolicy) -> None:
    """Raise InvalidSubmissionError for a job that cannot wait for others as it is asked to."""
    if job_id in asked.after:
        _refuse(f"after[{asked.after.index(job_id)}]", "is the id of this job itself; name others")
    if asked.after_failure is not None and not asked.after:
        _refuse("after_failure", "says nothing without after; name the jobs to wait for, or leave it out")
    on_conflict = asked.on_conflict or policy.on_conflict
    if asked.after and on_conflict != "queue":
        of = "" if asked.on_conflict else " of its kind"
        message = (
            f"cannot be {on_conflict!r}{of} for a job that waits for others, as it is not in line yet; "
            'write "queue"'
        )
        _refuse("on_conflict", message)


def unknown_predecessor(asked: Submission, error: UnknownPredecessorError) -> InvalidSubmissionError:
    """Return the error of a submission that names a job which is not there."""
    message = f"there is no job {error.job_id}; name jobs that were accepted before"
    field = f"after[{asked.after.index(error.job_id)}]"
    return InvalidSubmissionError([FieldProblem(field=field, message=message)])


def later_in_batch(asked: Submission, job_id: str) -> InvalidSubmissionError:
    """Return the error of a job of a batch that names one which stands behind it."""
    message = f"is the id of a later job of this batch, {job_id}; put that one before this one"
    return InvalidSubmissionError(
        [FieldProblem(field=f"after[{asked.after.index(job_id)}]", message=message)]
    )


def _refuse(field: str, message: str) -> None:
    raise InvalidSubmissionError([FieldProblem(field=field, message=message)])
