package gate

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
)

// Artifact is what is to run: a file, bytes that are held open, or a digest
// that somebody else compares.
type Artifact struct {
	Name   string // path or reference, in messages
	SHA256 []byte // of an artifact that is known by its digest
	Sealed *Sealed
}

// FromDigest is an artifact of which the digest is known: sha256:HEX, or an
// image reference that ends with it.
func FromDigest(reference string) (Artifact, error) {
	name, digest, ok := strings.Cut(reference, "@")
	if !ok {
		name, digest = reference, reference
	}
	text, isSHA256 := strings.CutPrefix(digest, "sha256:")
	if !isSHA256 || !hexDigest.MatchString(text) || name == "" {
		return Artifact{}, fmt.Errorf("%q is neither sha256: with 64 lower-case hex digits nor an image reference that ends with it; a tag may be moved, so none is taken", reference)
	}
	sum, err := hex.DecodeString(text)
	return Artifact{Name: reference, SHA256: sum}, err
}

// digests are what is known of an artifact: its bytes are read once and never
// held.
type digests struct {
	sums map[string][]byte // by sigstore-go's names of the algorithms
}

func (a *digests) sha256() string { return hex.EncodeToString(a.sums[sha256Name]) }

// digest hashes the artifact with every algorithm of the bundles.
func (a Artifact) digest(ctx context.Context, algorithms map[string]bool) (*digests, error) {
	switch {
	case a.SHA256 != nil:
		return &digests{map[string][]byte{sha256Name: a.SHA256}}, nil
	case a.Sealed != nil:
		return sum(ctx, a.Sealed.reader(), a.Name, algorithms)
	}
	file, err := openRegular(a.Name)
	if err != nil {
		return nil, err
	}
	d, err := sum(ctx, file, a.Name, algorithms)
	if e := file.Close(); err == nil {
		err = e
	}
	return d, err
}

// openRegular opens a regular file: a pipe would wait for its other end.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // nothing was written to it
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return file, nil
}

func sum(ctx context.Context, from io.Reader, name string, algorithms map[string]bool) (*digests, error) {
	sums := map[string]hash.Hash{sha256Name: sha256.New()} // what a person compares
	for name := range algorithms {
		switch name {
		case sha384Name:
			sums[name] = sha512.New384()
		case sha512Name:
			sums[name] = sha512.New()
		}
	}
	writers := make([]io.Writer, 0, len(sums))
	for _, h := range sums {
		writers = append(writers, h)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), interruptible(ctx, from)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	d := &digests{sums: map[string][]byte{}}
	for name, h := range sums {
		d.sums[name] = h.Sum(nil)
	}
	return d, nil
}

type readFunc func(p []byte) (int, error)

// Read implements io.Reader.
func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// interruptible ends a long read when the program is told to stop.
func interruptible(ctx context.Context, from io.Reader) io.Reader {
	return readFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return from.Read(p)
	})
}
