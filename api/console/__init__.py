"""The console at `/`: pages made here, kept live by small scripts of our own. See docs/console.md and docs/adr/0012."""
