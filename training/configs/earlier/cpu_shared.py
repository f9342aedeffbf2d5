"""What every fold of a cross-validation on two CPU cores may begin from: no slide that validates, nor its glass.

Patches of 48 um: a second buys three times as many of them as of 80 um, each around another cell. They grow later, in
cpu_folds. docs/results.md has the commands that make the indexes in work_dirs.
"""

_base_ = ["cpu_again.py"]

patch_px = (96, 96)
batch = 32
iterations = 2000
learning_rate = 1e-3
ema_momentums = [5e-3, 2.5e-3]
watch_every = 1000
sampling = dict(
    _delete_=True,
    balanced=True,
    data_set_power=0.0,
    data_set_weights={"mf_crops": 2.0, "icpr2012_train-mined": 1.5, "canine_tiles-mined": 0.4},
)
augment = dict(isolated_share=0.35)
data = [
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/mined",
    "work_dirs/again-icpr",
]
held_back = ["A03", "A04"]  # H03 and H04 of MITOS-ATYPIA-14 may be the same glass
