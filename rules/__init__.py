"""What an operator declares: gates, entity mapping, severity policy, routing."""
