"""The job kinds that come with Turnstile: checksum-file and ten-steps."""
