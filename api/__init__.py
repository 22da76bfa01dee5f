"""The HTTP interface and the console."""
