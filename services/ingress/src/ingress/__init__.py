"""Takes messages of other systems' queues into the journal, each exactly once."""
