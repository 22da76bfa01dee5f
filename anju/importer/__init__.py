"""Import of an operator's own estate: files in, a dry run over everything, then the owners' functions."""
