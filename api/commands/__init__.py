"""The commands of the command line, one module each. They are imported only when they are called."""
