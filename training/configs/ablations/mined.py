"""With the imposters that `python -m training mine` found on a canine slide; docs/experiments.md has the command."""

_base_ = ["base.py"]

data = [*_base_.data, "work_dirs/mined"]
