"""Exhaustive search: layout of states, generated steps, reductions, breadth-first search."""
