"""Log records as evidence: masked, grouped by their words, counted per minute, and compared with what is usual."""
