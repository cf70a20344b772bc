package tuf

import (
	"bytes"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

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
