"""One file for each thing that a result is written as; `write_all` writes the folder of one image."""

from algorithm.writers.folder import write_all

__all__ = ["write_all"]
