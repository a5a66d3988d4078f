"""Where threats and talk come from: one file per source behind one protocol, and the HTTP fetcher they share."""
