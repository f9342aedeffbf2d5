"""As cpu_further, with imposters found out of fold: what members took for figures on slides that they had not seen.

On its own slides a network finds few. docs/results-before.md has the commands that make the indexes in work_dirs, and
those of the members, with held_back for each.
"""

_base_ = ["cpu_further.py"]

iterations = 1600
watch_every = 1600
sampling = dict(
    data_set_weights={
        "mf_crops": 2.0,
        "mitos14-mined": 1.5,
        "mitos14_patches-mined": 1.2,
        "icpr2012_train-mined": 1.5,
    }
)
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/mined",
    "work_dirs/again-icpr",
    "work_dirs/hard-frames",
    "work_dirs/hard-windows",
    "work_dirs/hard-icpr",
]
