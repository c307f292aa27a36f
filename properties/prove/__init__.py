"""Proofs by Z3, from the same step graph that the search uses."""
