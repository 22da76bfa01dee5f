"""Command line, settings, process wiring, embedded stack, demo estate, import."""
