"""Who can sign in, and what is taken back."""
