"""Where the engine's state is kept: one contract (`engine.ports`), several implementations."""
