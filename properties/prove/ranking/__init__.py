"""That threads come to rest by themselves: a measure that gets less in every step."""
