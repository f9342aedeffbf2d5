"""RTMDet-tiny: three quarters of the width of RTMDet-S, half of its depth."""

_base_ = ["base.py"]

model = dict(
    backbone=dict(deepen_factor=0.167, widen_factor=0.375),
    neck=dict(in_channels=[96, 192, 384], out_channels=96),
    bbox_head=dict(in_channels=96, feat_channels=96),
)
