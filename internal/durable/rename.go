package durable

import (
	"fmt"
	"io/fs"
	"os"
)

// renamePortable renames without replacing where the kernel has no call for
// it. A file is linked under its new name, which fails when the name is taken.
// A directory is looked for first and then renamed: should another process
// make something at that name in between, rename(2) still refuses a file and a
// directory that is not empty, so nothing with content is ever lost.
func renamePortable(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("rename %s %s: %w", from, to, fs.ErrExist)
	}
	return os.Rename(from, to)
}
