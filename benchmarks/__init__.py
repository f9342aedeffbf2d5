"""One command for each number that README or docs quote."""
