"""The same without the mined imposters of frames and windows; those of skin stay."""

_base_ = ["members.py"]

sampling = dict(_delete_=True, balanced=True, data_set_power=0.0, data_set_weights={"mf_crops": 2.0})
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/harder-skin",
]
