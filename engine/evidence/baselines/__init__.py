"""Baselines of series: what was usual, in bounded columns, and how far from it something is. One algorithm per file."""
