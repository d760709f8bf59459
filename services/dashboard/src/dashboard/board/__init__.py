"""The board: what runs, what waits and what happened last, read once for all viewers of a process."""
