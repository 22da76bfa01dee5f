"""Pure detectors, one module a kind: arrays and rules in, findings out. An island: numpy and anomaly's own types."""
