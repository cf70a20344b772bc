package tuf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Bounds of a staged folder. It comes from a stick.
const (
	maxFolderFiles = 50_000
	maxFolderBytes = 1 << 30
	maxFolderDepth = 12
)

// folder is an open staged folder. No path leads out of it.
type folder struct {
	root  *os.Root
	files []string // slash-separated, sorted; hidden names at the top and in signatures are left out
}

func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root}
	if err := f.walk(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	slices.Sort(f.files)
	return f, nil
}

// walk lists the files and refuses all that is neither a file nor a directory.
func (f *folder) walk() error {
	var total int64
	return fs.WalkDir(f.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		// what a writer that was killed left behind; nothing reads it
		if dir := path.Dir(name); (dir == "." || dir == signaturesDir) && strings.HasPrefix(path.Base(name), ".") {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case strings.Count(name, "/") >= maxFolderDepth:
			return fmt.Errorf("%s: more than %d levels deep", name, maxFolderDepth)
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a directory", name)
		case len(f.files) >= maxFolderFiles:
			return fmt.Errorf("more than %d files", maxFolderFiles)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > maxFolderBytes {
			return fmt.Errorf("more than %d bytes", maxFolderBytes)
		}
		f.files = append(f.files, name)
		return nil
	})
}

// read returns a file of at most limit bytes.
func (f *folder) read(name string, limit int64) (data []byte, err error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, nil
}

// in lists the files below a directory without its name.
func (f *folder) in(dir string) []string {
	var out []string
	for _, name := range f.files {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

// covered reports whether SHA256SUMS lists a file: all but itself and what is
// added after staging.
func covered(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return name != sumsName && top != signaturesDir && top != sealedDir
}

// sums writes SHA256SUMS as sha256sum does, sorted by name.
func (f *folder) sums() ([]byte, error) {
	var b strings.Builder
	for _, name := range f.files {
		if !covered(name) {
			continue
		}
		sum, err := f.hash(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(sum), name)
	}
	return []byte(b.String()), nil
}

func (f *folder) hash(name string) (sum []byte, err error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(file, maxFolderBytes)); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// checkSums compares SHA256SUMS with the files and returns its digest.
func (f *folder) checkSums() ([32]byte, error) {
	want, err := f.read(sumsName, maxFolderFiles*512)
	if err != nil {
		return [32]byte{}, err
	}
	have, err := f.sums()
	if err != nil {
		return [32]byte{}, err
	}
	if bytes.Equal(want, have) {
		return sha256.Sum256(want), nil
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		listed[line] = true
	}
	for line := range strings.Lines(string(have)) {
		if !listed[line] {
			return [32]byte{}, fmt.Errorf("%s is not as %s lists it", strings.TrimSpace(line[66:]), sumsName)
		}
	}
	return [32]byte{}, fmt.Errorf("%s lists files that are not there or is not in order", sumsName)
}
