"""Whether the objectives that a catalogue declares can be met at all. Pure: the audit's date is an argument."""
