"""Repairs whatever a crash left between two writes."""
