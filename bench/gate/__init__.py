"""The regression gate: what Headwater costs, as ratios to plain work of the same kind in one run (`make gate`)."""
