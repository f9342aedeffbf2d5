"""Imposters as a class of their own instead of background."""

_base_ = ["base.py"]

classes = 2
