"""One file for each thing that a result is written as; `write_all` writes the folder of one image."""

from algorithm.atomic import PART_SUFFIX, ensure_writable
from algorithm.writers.folder import is_result, write_all

__all__ = ["PART_SUFFIX", "ensure_writable", "is_result", "write_all"]
