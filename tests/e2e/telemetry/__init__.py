"""What real services tell of themselves over OTLP."""
