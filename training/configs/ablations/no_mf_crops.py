"""Without the figures of other tumours, species and scanners."""

_base_ = ["base.py"]

data = ["../shared/data/mitos14", "../shared/data/mitos14_patches", "../shared/data/icpr2012_train"]
