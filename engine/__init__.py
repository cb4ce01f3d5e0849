"""What happened and what it means: the pure core, and the shell that gives it effects."""
