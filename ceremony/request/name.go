package request

import (
	"fmt"
	"regexp"
	"strings"
)

// Names in a request.
const (
	ManifestFile = "request.json"
	PlanFile     = "pki.yaml"
	LedgerFile   = "ledger.jsonl"
	SumsFile     = "SHA256SUMS"
)

// Bounds of a request, checked before anything is read.
const (
	maxFiles  = 1000     // files and folders
	maxDepth  = 4        // parts of a name
	maxFile   = 1 << 20  // bytes of any file but the ledger
	maxLedger = 16 << 20 // bytes
	maxTotal  = 32 << 20 // bytes of all files
	maxTar    = maxTotal + maxFiles*2048
)

// nameForm is one part of a file's name: no hidden files, nothing a shell, a
// terminal or another file system would read differently.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ceremonyForm is the name of a ceremony, as it stands in the folder's name.
var ceremonyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// maxSequence is the last number that four digits hold.
const maxSequence = 9999

// folderName is the name of a request's folder: "0001-founding".
func folderName(sequence int, ceremony string) string {
	return fmt.Sprintf("%04d-%s", sequence, ceremony)
}

// checkName refuses a slash-separated name that no file of a request can have.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) > maxDepth {
		return fmt.Errorf("%s: more than %d levels deep", quote(name), maxDepth)
	}
	for _, part := range parts {
		if !nameForm.MatchString(part) {
			return fmt.Errorf("%s: not a name that a file of a request can have", quote(name))
		}
	}
	return nil
}

// sizeLimit is how many bytes a file may have.
func sizeLimit(name string) int64 {
	if name == LedgerFile {
		return maxLedger
	}
	return maxFile
}

// quote makes a name from a stick safe to print, and short.
func quote(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return fmt.Sprintf("%q", name)
}

// budget counts what has been taken in.
type budget struct {
	files int
	bytes int64
}

// entry counts one more file or folder.
func (b *budget) entry() error {
	if b.files++; b.files > maxFiles {
		return fmt.Errorf("more than %d files and folders", maxFiles)
	}
	return nil
}

// size counts a file's bytes before they are read.
func (b *budget) size(name string, n int64) error {
	if limit := sizeLimit(name); n > limit {
		return fmt.Errorf("%s: %d bytes, more than the %d it may have", quote(name), n, limit)
	}
	if b.bytes += n; b.bytes > maxTotal {
		return fmt.Errorf("%s: the files have more than %d bytes together", quote(name), maxTotal)
	}
	return nil
}

// checkFiles holds what is about to be written against the same bounds.
func checkFiles(files map[string][]byte) error {
	var b budget
	for _, name := range sortedNames(files) {
		if err := b.entry(); err != nil {
			return err
		}
		if err := checkName(name); err != nil {
			return err
		}
		if err := b.size(name, int64(len(files[name]))); err != nil {
			return err
		}
	}
	return nil
}
