"""Processes of this machine: command lines, ports, and supervisord, which keeps them running."""
