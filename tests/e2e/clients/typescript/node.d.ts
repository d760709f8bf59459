// Node's own types are a package of two megabytes; this is all that the program uses of them.
declare const process: { argv: string[] };
