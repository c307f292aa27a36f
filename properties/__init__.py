"""What must hold of the driver, and the ways of checking it."""
