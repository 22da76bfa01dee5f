"""`python -m anju`: how `anju up` starts its children."""

from anju.cli import main

main()
