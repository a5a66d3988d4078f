"""The faults of circuit breakers as executable cases, run against this kit and the libraries it is compared with."""
