"""The HTTP API: paths, parameters, problem documents and their documentation."""
