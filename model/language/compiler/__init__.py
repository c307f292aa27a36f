"""From the texts of procedures to step graphs (model/language/graph.py)."""

from haiku_tuntap.model.language.compiler.thread import compile_threads

__all__ = ["compile_threads"]
