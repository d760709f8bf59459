"""Turns events into the audit trail and the other read models."""
