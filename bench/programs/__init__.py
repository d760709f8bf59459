"""The programs that contestants run: handlers, workers and clients."""
