"""Any number of threads: one integer for each place where a thread can stand."""
