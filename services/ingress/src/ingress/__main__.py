"""Run ingress: `python -m ingress`."""

from ingress.main import main

main()
