"""Engines: what runs a member of a bundle on a device."""

from algorithm.engines.base import Engine, Raw
from algorithm.engines.choice import ENGINES, Candidate, candidates, open_engine
from algorithm.engines.fallback import FallbackEngine

__all__ = ["ENGINES", "Candidate", "Engine", "FallbackEngine", "Raw", "candidates", "open_engine"]
