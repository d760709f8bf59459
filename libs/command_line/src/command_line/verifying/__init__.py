"""`turnstile verify`: the checker over the storage that the services use, and how its verdict is shown."""
