package courier

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// SumsFile lists the SHA-256 of every other file of a folder.
const SumsFile = "SHA256SUMS"

// Limits bound a folder.
type Limits struct {
	Files int   // files and folders
	Depth int   // parts of a name
	File  int64 // bytes of one file
	Total int64 // bytes of all files
	// Larger names files that may have more bytes than File.
	Larger map[string]int64
	// Form is what each part of a name must have; nil for nameForm.
	Form interface{ MatchString(part string) bool }
	// Skip names entries that are passed over; nil for none.
	Skip func(name string) bool
}

// nameForm is one part of a file's name: no hidden files, nothing that a
// shell, a terminal or another file system would read differently.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName refuses a slash-separated name that no file of the folder can
// have.
func (l Limits) CheckName(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) > l.Depth {
		return fmt.Errorf("%s: more than %d levels deep", Quote(name), l.Depth)
	}
	form := l.Form
	if form == nil {
		form = nameForm
	}
	for _, part := range parts {
		if !form.MatchString(part) {
			return fmt.Errorf("%s: not a name that a file can have here", Quote(name))
		}
	}
	return nil
}

// Check holds files that are about to be written against the same bounds.
func (l Limits) Check(files map[string][]byte) error {
	b := &Budget{limits: l}
	for _, name := range Names(files) {
		if err := b.Entry(); err != nil {
			return err
		}
		if err := l.CheckName(name); err != nil {
			return err
		}
		if err := b.Size(name, int64(len(files[name]))); err != nil {
			return err
		}
	}
	return nil
}

// Budget counts what has been taken in.
type Budget struct {
	limits Limits
	files  int
	bytes  int64
}

// Entry counts one more file or folder.
func (b *Budget) Entry() error {
	if b.files++; b.files > b.limits.Files {
		return fmt.Errorf("more than %d files and folders", b.limits.Files)
	}
	return nil
}

// Size counts a file's bytes before they are read.
func (b *Budget) Size(name string, n int64) error {
	limit := b.limits.File
	if larger, ok := b.limits.Larger[name]; ok {
		limit = larger
	}
	if n > limit {
		return fmt.Errorf("%s: %d bytes, more than the %d it may have", Quote(name), n, limit)
	}
	if b.bytes += n; b.bytes > b.limits.Total {
		return fmt.Errorf("%s: the files have more than %d bytes together", Quote(name), b.limits.Total)
	}
	return nil
}

// Names returns the names of files, sorted.
func Names[V any](files map[string]V) []string { return slices.Sorted(maps.Keys(files)) }

// Quote makes a name from a stick safe to print, and short.
func Quote(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return fmt.Sprintf("%q", name)
}
