"""Runs jobs, one at a time per lock."""
