"""Mosaic of four patches, which the paper tried and dropped."""

_base_ = ["base.py"]

augment = dict(mosaic_share=1.0)
