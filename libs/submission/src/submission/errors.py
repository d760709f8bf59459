"""Why a submission is not accepted."""

from submission.fields import FieldProblem, summary


class SubmissionError(Exception):
    """A submission is not accepted."""


class InvalidSubmissionError(SubmissionError):
    """Fields of the submission are wrong: it can never be accepted."""

    def __init__(self, fields: list[FieldProblem], known_kinds: list[str] | None = None) -> None:
        super().__init__(summary(fields))
        self.fields = fields
        #: The kinds that workers know, when the submission names another one.
        self.known_kinds = known_kinds


class SubmissionUnknownError(SubmissionError):
    """The storage did not answer: the job is submitted or not."""

    def __init__(self, job_id: str) -> None:
        super().__init__("the storage does not answer")
        #: Repeating the submission with this id cannot run the job twice.
        self.job_id = job_id
