"""Tickets: one sink that knows the life of a ticket, and one tracker per ticketing system."""
