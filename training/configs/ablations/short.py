"""What the other `short_` configs are compared with: the members' data and mined imposters, from scratch.

Eight minutes of training on a CPU core, and some for the looks. The learning curve's recipe, cut short; the members'
boxes, colours and crops. docs/results.md has what came of it.
"""

_base_ = ["../curve.py"]

iterations = 1000
watch_every = 1_000_000  # at the end: looks in between cost minutes
ema_momentums = [1e-2, 5e-3, 2.5e-3]  # for 1,000 iterations
