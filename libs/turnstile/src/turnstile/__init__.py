"""What a job author imports: the job decorator, the job context and its errors."""
