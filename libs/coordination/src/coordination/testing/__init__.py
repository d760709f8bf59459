"""Doubles of the ports, with faults, for tests and simulation."""
