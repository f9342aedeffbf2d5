"""cpu_finest.py for a GPU: eight times the batch, with RTMDet's targets found for a whole batch at once.

The members of bundle 0.13 went on from those of 0.12 with it, one of them at 0.375 um/px (docs/results.md).
"""

_base_ = ["cpu_finest.py"]

# the same targets, without reading a number back from the GPU for each box (training/targets.py)
model = dict(
    bbox_head=dict(type="WholeBatchHead"),
    train_cfg=dict(assigner=dict(type="WholeBatchAssigner")),
)
batch = 128
learning_rate = 2e-3  # a quarter of what it would be in proportion to the batch
iterations = 1500
warmup = dict(iterations=100, start=1e-5)
watch_every = 1500
save_every = 500
workers = 2
cache_bytes = 8_000_000_000
