"""One file for each thing that a result is written as; `write_all` writes the folder of one image."""

from algorithm.writers.atomic import ensure_writable
from algorithm.writers.folder import is_result, write_all

__all__ = ["ensure_writable", "is_result", "write_all"]
