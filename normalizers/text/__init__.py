"""Folded text, spans, word lists, patterns of phrases and the text classifier."""
