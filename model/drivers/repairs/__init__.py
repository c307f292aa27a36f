"""The repairs of today's driver, one module each; every one is a driver with that change alone."""
