"""The errors that end a command with a message instead of a traceback."""


class StackError(RuntimeError):
    """A person has to correct something; the message says what and how."""


class SettingError(StackError):
    """A setting has a value that cannot be used."""


class InstallError(StackError):
    """Something is missing that must not or could not be installed from here."""
