"""The summary of experiments, whatever the database does."""
