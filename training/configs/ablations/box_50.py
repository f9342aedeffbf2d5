"""Boxes of 50 px at 40x instead of 64."""

_base_ = ["base.py"]

box_um = 12.5
