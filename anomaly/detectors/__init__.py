"""Pure detectors, one module a kind: arrays and rules in, findings out. They know numpy and anomaly's types."""
