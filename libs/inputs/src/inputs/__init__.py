"""Takes messages of other systems' queues into the journal, each exactly once.

A file names the inputs (`inputs.configuration`): for each, a queue, and the mapping from its messages to
jobs (`inputs.mapping`). Which systems there are is a matter of plug-ins (`inputs.input_types`), each with an
adapter of one small port (`inputs.port`).

The id of a job is made of the identity of its input and of what tells its message apart. So a message has
one job, however often and to whichever instance it is delivered (`inputs.message_submission`): the journal
finds it by that id. A message is accepted only once the journal has its job. One that can never become a job
goes to its sender's dead letters with a reason. While the storage is away, or a lock's line is too long,
messages wait where they are (`inputs.handling`, `inputs.receiver`).

Not guaranteed: an order beyond that of sessions, and a single job for a message whose earlier job was
forgotten, as its id is kept only for the time that the installation keeps ids.
"""
