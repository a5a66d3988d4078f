"""Reading what scanners write: one file a format behind one protocol, and the uploads on disk."""
