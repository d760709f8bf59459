"""The journal of a lock: its rows, its line, and the transactions that change them."""
