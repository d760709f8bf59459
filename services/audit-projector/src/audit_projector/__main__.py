"""Runs the audit-projector: `python -m audit_projector`."""

from audit_projector.main import main

if __name__ == "__main__":
    main()
