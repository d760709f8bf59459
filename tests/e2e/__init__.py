"""Whole stacks as processes: journeys of jobs, faults, telemetry, pages."""
