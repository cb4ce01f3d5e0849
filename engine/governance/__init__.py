"""What governance is told of a period: incidents by service and regime, resources, drills, gaps, actions. Pure."""
