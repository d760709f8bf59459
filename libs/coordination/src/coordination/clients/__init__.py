"""What callers that do not hold a lock write: submissions, and what people do to jobs."""
