"""From public data sets to EMA checkpoints, and the measures that say what they are worth."""
