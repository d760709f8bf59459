"""Texts that are hard to take for a lock's name, a job's id, or the value of a filter."""

#: Names that only just are, or only just are not.
EDGES = [
    *("", " ", "\t\n", "x" * 200, "x" * 201, "é" * 200, "e\u0301" * 200, "💥" * 200, "x" * 1024),
    *(f" {'x' * 200} ", ".", "..", "...", "/", "//", "a/", "/a", "a/../b", "./a", "a/.", "a\\b", "a#b"),
    *("a?b", "a?b=c", "a%2Fb", "a%b", "%", "%00", "a'b", "a''b", 'a"b', "' or 1 eq 1 or '", "a;b", "a b"),
    *("a  b", "a+b", "-", "Ledger", "ledger", "LEDGER", "Straße", "STRASSE", "\u0130", "i", "é", "e\u0301"),
    *("Å", "\u212b", "\ufb01", "fi", "K", "\u212a", "null", "stream", "state", "cancel", "jobs", "locks"),
    *("default", "undefined", "__proto__", "a\u00a0b", "\ud800", "a\u200bb", "\u202eab", "a\x00b", "a\x7fb"),
    *("a\u3164", "❤\ufe0f", "❤", "日本", "\u0301a", "a\u0301\u0323", "a\u0323\u0301"),
]

JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"

#: What is no job's id.
IDS = [
    *("1", "x" * 1024, "null", "..", "%00", "\x00", "💥", "' or 1 eq 1 or '", "a/b", "a#b", "a?b", " "),
    *(JOB.replace("-", ""), f"{{{JOB}}}", f"urn:uuid:{JOB}", f"{JOB} ", f"{JOB}\n", f"{JOB}/", f"{JOB}0"),
    *(JOB[:-1], JOB.replace("0", "\u0660"), JOB.replace("-", "\u2010"), "job|x", "*", "\u202e"),
    "00000000-0000-0000-0000-000000000000",
]

#: What would find more than it should where a filter were pasted together.
FILTERS = [
    *("' or 1 eq 1 or '", "a' or Lock ne '", "x') or (PartitionKey ne '", "@lock", "@partition", "' and '"),
    *("''", "'", "Queued' or Status ne '", "%27 or 1 eq 1", "* ", "a eq a", "true", "null", "", " ", "\x00"),
    *("💥", "x" * 1024),
]
