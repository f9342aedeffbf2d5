"""Half of the slides: a point of the learning curve."""

_base_ = ["base.py"]

slides_share = 0.5
