"""One average; a run of three scores each alone as well, with the same weights behind it."""

_base_ = ["base.py"]

ema_momentums = [5e-3]
