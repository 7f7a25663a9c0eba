"""Answers (回执) to citizens: intents out of `hotline.outbox.v1`, each sent once at most, and its outcome."""
