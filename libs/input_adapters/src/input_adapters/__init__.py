"""Queues of other systems that jobs can come from. Each module is one system: an adapter of `inputs.port`."""
