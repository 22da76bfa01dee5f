"""Estates, units, households, leases, absences; leads and the verdicts of people."""
