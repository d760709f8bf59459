"""Holding a lock: the dispatcher answers wake-ups, a session serves one lock, watches wait for a held one."""
