// Package durable writes files that either are there whole after a power cut
// or are not there at all: new files, replaced files, directories that appear
// at once, and logs that grow by whole lines under a lock.
//
// It refuses to write over anything unless asked to (Replace). It never
// follows a symbolic link at the name that it writes. When a step fails before
// the rename, nothing is at the final name and the temporary file is removed;
// a process killed in between leaves a hidden ".NAME.tmp-…" beside it, which
// nothing reads and anyone may delete. When only the last step fails, the
// fsync of the directory, the new content is in place but a power cut may take
// it away again: the error then is a *PendingError.
//
// It imports the standard library and golang.org/x/sys/unix.
package durable
