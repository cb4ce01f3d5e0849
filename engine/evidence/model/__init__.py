"""What verdicts learn from outcomes that people established: likelihood ratios, their calibration, promotion of rules.

Nothing here learns from the engine's own decisions, and nothing that was learned is used before a person activates it.
"""
