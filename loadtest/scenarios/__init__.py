"""The load scenarios, one in each file."""
