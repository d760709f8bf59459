"""The dashboard: what runs, what waits, what happened, and the proof, for people."""
