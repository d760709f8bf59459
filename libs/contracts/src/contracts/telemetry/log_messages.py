"""Messages of log lines that other programs look for."""

#: A service logs it, with the attribute `reason`, when its operator can remove what keeps it from starting.
CANNOT_START = "service cannot start"
