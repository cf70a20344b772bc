package tuf

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// readContent checks that new and changed targets are there, and nothing else.
func readContent(s *Staged, f *folder) error {
	s.content, s.previous = map[string]bool{}, map[string]bool{}
	now, before := files(s.wanted()), files(s.trusted)
	for _, name := range f.in(targetsDir) {
		if err := checkContent(f, targetsDir, name, now[name]); err != nil {
			return err
		}
		s.content[name] = true
	}
	for _, name := range f.in(previousDir) {
		if err := checkContent(f, previousDir, name, before[name]); err != nil {
			return err
		}
		s.previous[name] = true
	}
	for name, file := range now {
		if was := before[name]; !s.content[name] && (was == nil || !bytes.Equal(was.Hashes["sha256"], file.Hashes["sha256"])) {
			return fmt.Errorf("the content of target %s is missing", name)
		}
	}
	for name, was := range before {
		if file := now[name]; !s.previous[name] && (file == nil || !bytes.Equal(was.Hashes["sha256"], file.Hashes["sha256"])) {
			return fmt.Errorf("%s/%s is missing: without it nobody can see what changes", previousDir, name)
		}
	}
	if now[TrustedRootName] == nil {
		return fmt.Errorf("no target %s", TrustedRootName)
	}
	return nil
}

func checkContent(f *folder, dir, name string, file *metadata.TargetFiles) error {
	if file == nil {
		return fmt.Errorf("%s/%s: the metadata names no such target", dir, name)
	}
	data, err := f.read(dir+"/"+name, maxTargetFile)
	if err != nil {
		return err
	}
	if err := file.VerifyLengthHashes(data); err != nil {
		return fmt.Errorf("%s/%s: %w", dir, name, err)
	}
	return nil
}

// read returns one file of the folder, bounded.
func read(s *Staged, name string, limit int64) (data []byte, err error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return (&folder{root: root}).read(name, limit)
}
