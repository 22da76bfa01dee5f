"""Consumption, derived once from registers and intervals."""
