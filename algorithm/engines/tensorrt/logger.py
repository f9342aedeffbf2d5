"""TensorRT's messages: warnings and errors go to our log, and the last error is kept for the exception."""

import logging

import tensorrt as trt

log = logging.getLogger(__name__)


class Logger(trt.ILogger):
    """What TensorRT's objects report to; it has to outlive them."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)  # pybind11 wants it by name
        self.last_error = "no reason given"

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Take a message; called from any thread."""
        text = " ".join(msg.split())
        if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
            self.last_error = text
            log.debug("TensorRT: %s", text)
        elif severity == trt.ILogger.Severity.WARNING:
            log.debug("TensorRT: %s", text)
