"""With the imposters that `python -m training mine` found; docs/experiments.md has the command that makes the index."""

_base_ = ["base.py"]

data = [*_base_.data, "work_dirs/mined"]
