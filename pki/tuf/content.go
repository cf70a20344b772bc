package tuf

import (
	"bytes"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// readContent checks that new and changed targets are there, and nothing else.
func readContent(s *Staged) error {
	s.content, s.previous = map[string][]byte{}, map[string][]byte{}
	now, before := files(s.wanted()), files(s.trusted)
	for _, name := range s.files.in(targetsDir) {
		if err := checkContent(s.files, targetsDir, name, now[name]); err != nil {
			return err
		}
		s.content[name] = s.files[targetsDir+"/"+name]
	}
	for _, name := range s.files.in(previousDir) {
		if err := checkContent(s.files, previousDir, name, before[name]); err != nil {
			return err
		}
		s.previous[name] = s.files[previousDir+"/"+name]
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

func checkContent(f folder, dir, name string, file *metadata.TargetFiles) error {
	if file == nil {
		return fmt.Errorf("%s/%s: the metadata names no such target", dir, name)
	}
	if err := file.VerifyLengthHashes(f[dir+"/"+name]); err != nil {
		return fmt.Errorf("%s/%s: %w", dir, name, err)
	}
	return nil
}
