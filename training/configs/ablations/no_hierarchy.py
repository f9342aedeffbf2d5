"""Without the hierarchy: every patch of a kind weighs the same, whatever its data set and slide."""

_base_ = ["base.py"]

sampling = dict(balanced=False)
