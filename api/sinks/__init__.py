"""The receivers that an operator declares: one file per kind, with its settings and how it is put together."""
