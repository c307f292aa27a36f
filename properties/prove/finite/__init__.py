"""Finite instances in Z3: bounded search and k-induction, a second engine beside the search."""
