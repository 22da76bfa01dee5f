"""Pure detectors, one module a kind: arrays and rules in, findings out. Islands."""
