"""Half of the patches normalised by Macenko's method, which the paper tried and dropped."""

_base_ = ["base.py"]

augment = dict(macenko_share=0.5)
