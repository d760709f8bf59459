"""Deliberate changes of meaning, each of which a named test must notice.

`mutant` says what one is, `switching` puts it in place of the code, `catalogue` lists them by package, and
`python -m tests.mutants` prints which test notices each.
"""
