"""What a bundle is worth: predictions through `algorithm`, scores by the organisers' rule, plots."""
