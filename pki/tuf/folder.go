package tuf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// folderLimits bound a staged folder, which comes from a stick: in names as
// objects have them, and in what is read into memory.
var folderLimits = courier.Limits{
	Files: 50_000, Depth: 12, File: maxTargetFile, Total: 256 << 20, Skip: unfinished,
	Form: form{regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+@=-]*$`), 250},
}

// unfinished is what a writer that was killed left behind; nothing reads it.
func unfinished(name string) bool {
	dir, base := path.Split(name)
	return (dir == "" || dir == signaturesDir+"/") && strings.HasPrefix(base, ".")
}

// folder is the files of a staged folder by slash-separated name.
type folder map[string][]byte

// in lists the files below a directory without its name, sorted.
func (f folder) in(dir string) []string {
	var out []string
	for _, name := range courier.Names(f) {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

// covered returns the files that SHA256SUMS lists: all but itself and what is
// added after staging.
func (f folder) covered() folder {
	out := folder{}
	for name, data := range f {
		if top, _, _ := strings.Cut(name, "/"); name != sumsName && top != signaturesDir && top != sealedDir {
			out[name] = data
		}
	}
	return out
}

// checkSums compares SHA256SUMS with the files and returns its digest.
func (f folder) checkSums() ([32]byte, error) {
	want, have := f[sumsName], courier.Sums(f.covered())
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

// readContent checks that new and changed targets are there, and nothing else.
func readContent(s *Staged) error {
	now, before := files(s.wanted()), files(s.trusted)
	var err error
	if s.content, err = readTargets(s, targetsDir, now); err != nil {
		return err
	}
	if s.previous, err = readTargets(s, previousDir, before); err != nil {
		return err
	}
	for name, file := range now {
		if was := before[name]; s.content[name] == nil && (was == nil || !bytes.Equal(was.Hashes["sha256"], file.Hashes["sha256"])) {
			return fmt.Errorf("the content of target %s is missing", name)
		}
	}
	for name, was := range before {
		if file := now[name]; s.previous[name] == nil && (file == nil || !bytes.Equal(was.Hashes["sha256"], file.Hashes["sha256"])) {
			return fmt.Errorf("%s/%s is missing: without it nobody can see what changes", previousDir, name)
		}
	}
	if now[TrustedRootName] == nil {
		return fmt.Errorf("no target %s", TrustedRootName)
	}
	return nil
}

// readTargets returns the content in a directory, which must be what metadata
// says.
func readTargets(s *Staged, dir string, all map[string]*metadata.TargetFiles) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range s.files.in(dir) {
		if all[name] == nil {
			return nil, fmt.Errorf("%s/%s: the metadata names no such target", dir, name)
		}
		out[name] = s.files[dir+"/"+name]
		if err := all[name].VerifyLengthHashes(out[name]); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", dir, name, err)
		}
	}
	return out, nil
}
