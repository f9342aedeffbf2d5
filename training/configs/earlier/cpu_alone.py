"""Going on from cpu_again with frames that are shown as crops are, so that a crop's look does not say "figure"."""

_base_ = ["cpu_again.py"]

iterations = 800
watch_every = 400
augment = dict(isolated_share=0.25)
