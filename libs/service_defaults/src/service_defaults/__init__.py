"""What every service gets: settings, logging, telemetry, health, broker."""
