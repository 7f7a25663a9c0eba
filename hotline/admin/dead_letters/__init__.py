"""Dead letters: found, shown with their original, and replayed."""
