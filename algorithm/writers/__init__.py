"""One file for each thing that a result is written as; `write_all` writes the folder of one image."""

from algorithm.writers.folder import is_result, write_all

__all__ = ["is_result", "write_all"]
