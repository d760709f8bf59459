"""What a worker exports of its runs: log lines, metrics and spans, all from what the protocol observes.

Nothing here is asked for by the protocol, and nothing here can delay it: every span is made after the fact,
with the times of what it describes, as soon as that is over. A run itself is exported in parts, so that a job
of hours is seen while it runs and a crash loses little.
"""
