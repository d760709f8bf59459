"""Everything that installs, starts, watches and stops Turnstile on one machine."""
