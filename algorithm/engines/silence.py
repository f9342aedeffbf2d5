"""Nothing about a run leaves the machine: the engines' libraries report home unless they are told not to.

OpenVINO's Python package sends its use to Google Analytics, ONNX Runtime to Microsoft, and both keep an identifier of
the machine below the user's home folder. Imported before either of them.
"""

import os
import sys

# OpenVINO does without when the package cannot be imported, and has no other switch but a file in the home folder
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
