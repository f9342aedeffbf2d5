"""The platform's contract: where its input lies, what its output must be, and how it calls us."""
