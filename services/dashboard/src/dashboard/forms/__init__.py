"""The form of a job: from the JSON schema of its kind to what is asked of the publisher. Draws nothing."""
