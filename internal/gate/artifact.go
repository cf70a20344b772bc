package gate

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// artifact is the file that is to run, by its digests: the bytes are read once
// and never held.
type artifact struct {
	path    string
	digests map[string][]byte // by sigstore-go's names of the algorithms
}

// readArtifact hashes a regular file with every algorithm of the bundles.
func readArtifact(path string, algorithms map[string]bool) (a *artifact, err error) {
	// a pipe would wait for its other end when it is opened
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	sums := map[string]hash.Hash{sha256Name: sha256.New()} // what a person compares
	for name := range algorithms {
		switch name {
		case sha384Name:
			sums[name] = sha512.New384()
		case sha512Name:
			sums[name] = sha512.New()
		}
	}
	var writers []io.Writer
	for _, h := range sums {
		writers = append(writers, h)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), file); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	a = &artifact{path: path, digests: map[string][]byte{}}
	for name, h := range sums {
		a.digests[name] = h.Sum(nil)
	}
	return a, nil
}

func (a *artifact) sha256() string { return hex.EncodeToString(a.digests[sha256Name]) }
