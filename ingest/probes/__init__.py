"""Probes and data checks: the I/O behind them, one file per kind. Bounded in time, in size, and in where they lead."""
