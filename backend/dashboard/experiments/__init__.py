"""Experiments: the records of a person, in and out."""
