"""From checkpoints to what engines run: ONNX in a bundle."""
