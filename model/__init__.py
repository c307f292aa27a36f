"""What the driver is: kernel primitives, drivers, and systems of threads that use them."""
