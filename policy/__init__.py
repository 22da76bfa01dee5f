"""Typed policies with their dates and articles; calendars; the arithmetic of clocks and deadlines."""
