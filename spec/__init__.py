"""The protocol as a model, and what Spin finds when it tries everything that can happen."""
