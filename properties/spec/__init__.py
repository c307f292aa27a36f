"""The text of the specification, and how it is tied to the code.

`spec/*.md` says in numbered clauses what the driver must do. The reference, the properties, the
proofs and the tests name the clauses they carry. `clauses.py` reads the text, `carriers.py` finds
who names a clause, `report.py` shows both, and `generate.py` writes those parts of the text that
follow from the model. Reading never runs anything.
"""
