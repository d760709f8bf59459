"""What the Proof page shows of a check: its verdict, numbers, runs, rules, and how others can check it."""
