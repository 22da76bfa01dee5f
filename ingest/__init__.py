"""Messages in: journal, readings, events, quarantine; acknowledged after commit."""
