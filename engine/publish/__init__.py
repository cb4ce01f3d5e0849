"""Publishing the outbox: the dispatcher, the sinks, and the one client for outgoing requests."""
