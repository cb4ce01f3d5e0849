"""Pages about continuity: how an incident is worked on, playbooks, and what is kept ready between incidents."""
