"""What repairs and observes from outside: the sweeper, and the snapshot of all queues."""
