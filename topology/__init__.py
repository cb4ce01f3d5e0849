"""Entities, dependencies, the catalogue, and impact on graphs."""
