"""Hazards and device faults that somebody should look at: one active alert an origin and kind."""
