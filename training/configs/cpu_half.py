"""For two CPU cores and an hour and a half: small patches at 0.5 um/px, which buys four times the tissue a second."""

_base_ = ["_base_.py"]

mpp = 0.5
patch_px = (160, 160)
shares = dict(figure=0.5, imposter=0.15, anywhere=0.35)  # few imposters are annotated in these sets

iterations = 10_000
watch_every = 1000
batch = 16
accumulate = 1
ema_momentums = [2e-3, 1e-3, 5e-4]  # the paper's, for 10,000 of its 25,000 iterations
save_every = 500
workers = 1

data = ["../shared/data/mitos14", "../shared/data/mitos14_patches", "../shared/data/icpr2012_train"]
held_back = ["H05", "H07"]  # 35 figures and 50 imposters in nine whole frames
licence = (
    "Apache-2.0 for the weights as a work of this project; the data sets state no terms (ICPR 2012, MITOS-ATYPIA-14)"
)
