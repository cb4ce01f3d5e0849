"""Kafka as an operator declares it, and what runs because of it."""
