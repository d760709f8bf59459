"""turnstile prune: its options, and the command itself, which is loaded only when it runs."""
