"""Sources kept up to date: their schedule, their line in the ledger, who is told."""
