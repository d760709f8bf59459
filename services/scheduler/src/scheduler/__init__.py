"""Runs the periodic tasks: it repairs what a crash left between two writes, and watches the queues."""
