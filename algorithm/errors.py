"""The errors a user can cause or mend, and the exit code of each.

MitosisError
├── ImageError     2  an image that cannot be read, or whose scale is unknown
├── PlatformError  2  an input folder that is not what the platform promises
├── BundleError    3  a model folder that is missing, damaged or foreign
├── EngineError    4  a device or engine that cannot do what was asked
└── OutputError    5  a place that cannot be written

A message says what was found, in which file, and what to do. Anything else that is raised is a bug:
it keeps its traceback and ends with exit code 1.
"""


class MitosisError(Exception):
    """Base of everything that is reported in one line, without a traceback."""

    exit_code = 2


class ImageError(MitosisError):
    """An image cannot be opened, read or measured."""


class PlatformError(MitosisError):
    """The folder that the platform hands over does not hold exactly one readable input."""


class BundleError(MitosisError):
    """A bundle is missing, damaged, or of another schema."""

    exit_code = 3


class EngineError(MitosisError):
    """No engine can run the bundle here as asked."""

    exit_code = 4


class OutputError(MitosisError):
    """A result cannot be written."""

    exit_code = 5


def one_line(error: BaseException, *, most: int = 300) -> str:
    """Return what a library's error says, in one line of at most so many characters."""
    return " ".join(str(error).split())[:most]
