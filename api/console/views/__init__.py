"""What each page shows: frozen values, ready in the reader's language; few queries, none a row."""
