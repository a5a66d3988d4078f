"""Ways to tell people outside that an alert was raised."""
