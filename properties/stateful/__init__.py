"""Testing with the reference: histories of calls, judged, and machines that make them."""
