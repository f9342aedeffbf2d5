"""Detection of mitotic figures: what ships in the container. No torch in here."""

__version__ = "0.1.0"
