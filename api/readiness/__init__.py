"""Readiness as the API, Prometheus and people see it."""
