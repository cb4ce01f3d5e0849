"""Other people's formats: bytes in, signals out, one decoder per wire format."""
