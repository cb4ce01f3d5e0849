"""Restoration's way into the world: automated steps, playbooks in Git, forensic bundles."""
