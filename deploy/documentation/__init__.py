"""The documentation: pages that are made from the code, and the site that `make docs` builds."""
