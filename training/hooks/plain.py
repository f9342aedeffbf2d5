"""A run's checkpoint holds tensors and plain values only, so that resuming unpickles no code."""

from mmengine.hooks import Hook


class PlainCheckpointHook(Hook):
    """Leave mmengine's message hub out: its buffers pickle bound methods, and losses.csv keeps the history."""

    priority = "VERY_LOW"

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Empty the message hub's part."""
        checkpoint["message_hub"] = {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}}
