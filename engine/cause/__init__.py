"""Where a trouble starts: ranked candidates with terms, path and counterfactual, or an abstention."""
