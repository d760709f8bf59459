"""Who may do what: who asks, what each route needs, and how often a client may ask.

A request is admitted before its handler is called (`Access.admit`), by the rule of its route (`rules`). What
depends on a lock or a kind is checked where it is known: `Caller` says what the client may use.
"""
