"""`make demo`: a job whose worker is killed, and the checks that nothing was lost."""
