"""Which alerts belong to one trouble: partition by topology and time, and the identity of incidents over time."""
