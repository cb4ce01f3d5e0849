"""Access control: who asks, what they may do, and the record of what they did."""
