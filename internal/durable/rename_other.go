//go:build !linux

package durable

// renameNoReplace renames a file or a directory and fails with fs.ErrExist
// when anything is at to.
func renameNoReplace(from, to string) error { return renamePortable(from, to) }
