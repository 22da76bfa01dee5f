"""The demo estate: real meter readings of published households, everything about people simulated."""
