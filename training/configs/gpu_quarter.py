"""The paper's own setting, for a GPU: 1920 x 1280 patches at 0.25 um/px."""

_base_ = ["_base_.py"]

data = ["../shared/data/mitos14", "../shared/data/mitos14_patches", "../shared/data/icpr2012_train"]
held_back = ["H05", "H07"]
licence = "not stated by the data sets; for research"
