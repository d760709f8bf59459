"""The error that ends a measurement."""


class BenchError(RuntimeError):
    """A contestant could not be measured; the message says what happened and where its log is."""
