"""The members of bundle 0.8 at 0.375 um/px instead of 0.5: an hour and a half on two CPU cores for all three
and a control, side by side.

Patches have as many pixels and show 48 um. docs/results-before.md says what came of it, beside a run that stayed at
0.5. The members of bundle 0.10 went on with it for 3,000 iterations more (docs/results-before.md), the second of 0.11
for 2,800 more (docs/results-before.md).
"""

_base_ = ["cpu_members.py"]

mpp = 0.375
iterations = 4200
watch_every = 4200  # once, at the end
