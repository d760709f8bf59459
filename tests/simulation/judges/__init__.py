"""Judges: each compares what was recorded with what is promised, and reports what differs.

A judge learns only what a transaction wrote (`writes`), or what the rows say at the end. It computes what
must be true by itself, and takes no rule from the product's code. So the same judges serve the simulation,
which shows them each transaction at the instant at which it is carried out, and the chaos runs, which show
them what stands in real tables.

- `lives`: what a job's events add up to, when a job may end how, and what its row must say.
- `order`: which job is the next one of its lock.
- `runs`: what a run was given, what its handler came to, which progress it reported.
- `register`: where a job lives, and which of several contents won its id.
- `callers`: who asked for a job or its cancellation, and the reason given.
- `announcements`: what was published about events.
- `read_models`: trail, summaries and lock runs.
- `panel`: all of them, as the simulation asks them.
"""
