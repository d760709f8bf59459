"""Mutation testing: every small change of the code should make a test fail.

`packages` says what is changed and which tests judge it, `operators` how, `changing` makes the changes with
cosmic-ray, `covering` finds the tests that run a line, `running` tries the changes, and `outcomes` keeps what
came of them. `python -m tests.mutation` prints what no test noticed.
"""
