"""What people and programs see of a check: tables, traces, JSON."""
