"""Readiness: how fast, how well and how widely the organisation is prepared, from what happened. Pure."""
