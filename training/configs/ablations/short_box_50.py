"""Boxes of 50 px at 40x instead of 64."""

_base_ = ["short.py"]

box_um = 12.5
