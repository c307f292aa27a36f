"""What is true of all reachable states of a driver, for any number of threads, and why."""
