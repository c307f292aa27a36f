"""An executable reference model of Haiku's TUN/TAP driver, with formal checks."""
