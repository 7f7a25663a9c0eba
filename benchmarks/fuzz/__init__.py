"""Hostile input: for each parser what must hold for any bytes, run by atheris and, in the tests, by hypothesis."""
