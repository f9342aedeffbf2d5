"""With the imposters that `python -m training mine` found; docs/experiments.md has the commands."""

_base_ = ["base.py"]

data = [*_base_.data, "work_dirs/mined", "work_dirs/mined-frames"]
