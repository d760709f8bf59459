"""What the services say to each other: jobs, events, messages, topology, lock names."""
