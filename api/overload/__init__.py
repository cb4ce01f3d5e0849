"""Overload and a full disk, as this process meets them: composed, watched, counted and told. See docs/overload.md."""
