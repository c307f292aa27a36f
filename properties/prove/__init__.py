"""Proofs by Z3 from the step graph."""
