"""`python -m training`."""

import warnings

warnings.filterwarnings("ignore", module=r"mmdet|mmengine|torch\.functional")  # deprecations inside of libraries

from training.cli import main  # noqa: E402

main()
