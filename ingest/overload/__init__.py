"""What is taken and what is refused when inputs come faster than they can be made durable. See docs/overload.md."""
