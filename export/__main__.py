"""`python -m export`."""

import warnings

warnings.filterwarnings("ignore", module=r"mmdet|mmengine|torch\.functional")  # deprecations inside of libraries

from export.cli import main  # noqa: E402

main()
