"""One module per wire format: bytes in, elements out. No input or output, no clock, no registry."""
