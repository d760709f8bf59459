"""What the pages of schedules show."""
