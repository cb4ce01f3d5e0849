"""Topics: a `Source` of their records, ordered producing, membership in groups, and how topics themselves are made."""
