"""The life of an alert: its spell, flapping, admission."""
