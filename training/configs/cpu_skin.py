"""As cpu_pasted, with imposters of skin, Aperio frames as often as the others, and stains that differ more.

Mined anew by the members of bundle 0.7: every slide by those that left it out, and the frames of all as well. On two
CPU cores; docs/results.md has the commands that make the indexes in work_dirs, and those of the members.
"""

_base_ = ["cpu_pasted.py"]

iterations = 5400
watch_every = 5400
augment = dict(stain_factor=0.3, stain_shift=0.1)
sampling = dict(
    data_set_weights={
        "icpr2012_train": 1.0,
        "mf_crops": 2.0,
        "mitos14-mined": 1.5,
        "mitos14_patches-mined": 1.2,
        "icpr2012_train-mined": 1.5,
        "canine_tiles-mined": 1.0,
    }
)
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/harder-frames",
    "work_dirs/harder-windows",
    "work_dirs/harder-icpr",
    "work_dirs/harder-icpr-seen",
    "work_dirs/harder-skin",
]
