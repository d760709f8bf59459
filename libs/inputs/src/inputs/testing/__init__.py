"""Doubles of the port, for tests."""
