"""The dashboard in a real Chromium, over a running stack with real jobs."""
