"""Looking at the data before training on it: contact sheets of annotated cells, and a page of statistics."""
