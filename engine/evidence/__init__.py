"""Evidence about an entity from telemetry, logs and neighbours; evidence -> terms -> verdict."""
