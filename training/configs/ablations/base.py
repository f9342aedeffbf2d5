"""What the ablations are compared with: the cross-validation's recipe on one split, looked at when it is done."""

_base_ = ["../cpu_crossval.py"]

held_back = ["H05", "H07", "H12", "H14"]  # folds 1 and 4 of the cross-validation
watch_every = 1_000_000  # at the end: looks in between cost minutes
ema_momentums = [1e-2, 5e-3, 2.5e-3]  # for the 1,000 iterations that fit into 10 minutes
