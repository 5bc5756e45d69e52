"""From out-of-sample probabilities to figures with their intervals."""
