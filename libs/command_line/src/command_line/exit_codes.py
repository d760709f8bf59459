"""How commands tell scripts what happened."""

#: A job ended in this status.
BY_STATUS = {"Completed": 0, "Failed": 1, "Cancelled": 3, "TimedOut": 4}

#: What was asked cannot be done.
USAGE = 2

#: The publisher, or the storage behind it, does not answer.
UNREACHABLE = 5

#: The user pressed Ctrl-C.
STOPPED = 130
