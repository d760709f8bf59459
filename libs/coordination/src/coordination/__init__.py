"""The single-job protocol: who may work on a lock, and who may write."""
