"""turnstile keys: make, list and revoke API keys, in the file that the publisher reads."""
