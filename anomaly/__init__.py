"""Features and detectors: signals, which are leads for people and never findings."""
