"""Templates that providers list: fetched, stored, and kept up to date by their callbacks."""
