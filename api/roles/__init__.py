"""The roles of a cluster as processes: what takes input, what decides, what publishes, what answers.

Kafka carries what comes in from stage 1 to the shards, PostgreSQL holds what was decided. See docs/scaleout.md.
"""
