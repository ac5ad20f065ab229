import Testing

/// `jreg-dist` as a user meets it: the built program, started alone or by mpirun, and what it leaves on the disk.
///
/// One test at a time: some measure memory, and eight ranks on two cores have enough to do with one another.
@Suite(.serialized) struct EndToEnd {}
