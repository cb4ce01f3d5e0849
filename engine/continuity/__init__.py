"""Service continuity: an incident worked on by playbook, from activation to review, and readiness in between."""
