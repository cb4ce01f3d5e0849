"""The report for governance: gathered from the store, as a page, on paper and as a table."""
