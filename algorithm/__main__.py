"""`python -m algorithm`."""

from algorithm.cli import main

main()
