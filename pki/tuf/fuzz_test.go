package tuf

import (
	"bytes"
	"crypto/elliptic"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// What parses as a signature file has a name that stays in its folder, and is
// the same after it was written and read again.
func FuzzParseSignature(f *testing.F) {
	f.Add([]byte(`{"role":"root","version":1,"holder":"alice","keyid":"` + string(bytes.Repeat([]byte("a"), 64)) + `","sig":"3045"}`))
	f.Add([]byte(`{"role":"../root","version":-1,"holder":"","keyid":"","sig":"ZZ"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSignature(data)
		if err != nil {
			return
		}
		if filepath.Base(s.name()) != s.name() {
			t.Errorf("name %q leaves its folder", s.name())
		}
		again, err := strict.Indented(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseSignature(again); err != nil || back != s {
			t.Errorf("read again: %+v, %v", back, err)
		}
	})
}

// What parses as metadata has a version from 1, and go-tuf can encode what is
// signed without a panic.
func FuzzParseDocument(f *testing.F) {
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		f.Add(role, []byte(`{"signed":{"_type":"`+role+`","spec_version":"1.0.31","version":1,"expires":"2027-01-01T00:00:00Z","keys":{},"roles":{},"meta":{"snapshot.json":{"version":1}},"targets":{}},"signatures":[]}`))
		f.Add(role, []byte(`{"signed":{"_type":"`+role+`","version":1,"expires":"2027-01-01T00:00:00Z","keys":{"a":null},"roles":{"root":null},"meta":null,"targets":{"x":null}},"signatures":[null]}`))
	}
	f.Fuzz(func(t *testing.T, role string, data []byte) {
		d, err := parseDocument(role, data)
		if err != nil {
			return
		}
		if d.version() < 1 {
			t.Errorf("version %d", d.version())
		}
		_ = d.expires()
		if _, err := d.canonical(); err != nil {
			return
		}
		switch {
		case d.root != nil:
			for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
				if set, err := rootSet(d, role); err == nil && set.check(d) == nil && len(*d.signatures()) == 0 {
					t.Errorf("%s passes without a signature", role)
				}
			}
		case d.targets != nil:
			_ = files(map[string]*document{metadata.TARGETS: d})
		}
	})
}

// What parses as change.json is the same after it was written and read again.
func FuzzParseChange(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"init","created":"2026-03-01T12:00:00Z","holders":{},"words":["root"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseChange(data)
		if err != nil {
			return
		}
		again, err := strict.Indented(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseChange(again); err != nil {
			t.Errorf("read again: %v", err)
		}
	})
}

// A folder in which one file was replaced or added, with SHA256SUMS made to
// fit, opens only if version 1 of root and of targets is still what is to be
// signed, and nothing makes it panic. testdata/staged is what StageInit wrote
// once, and alice signed: each process reads the same.
func FuzzOpenStaged(f *testing.F) {
	const staged = "testdata/staged"
	if _, err := OpenStaged(staged); err != nil {
		f.Fatal(err)
	}
	err := filepath.WalkDir(staged, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(staged, path)
		f.Add(name, data)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(changeName, []byte(`{"version":1,"kind":"init","created":"2026-03-01T12:00:00Z","holders":{},"words":[]}`))
	f.Add(signDir+"/1.targets.json", []byte(`{"signed":{"_type":"targets","version":1,"targets":{}},"signatures":[]}`))
	f.Add(targetsDir+"/x", []byte("x"))
	base := f.TempDir()
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) > 4<<10 || !filepath.IsLocal(name) || len(name) > 100 {
			return
		}
		dir := filepath.Join(base, "f")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(dir, os.DirFS(staged)); err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, name)
		if os.MkdirAll(filepath.Dir(at), 0o755) != nil || os.WriteFile(at, data, 0o644) != nil {
			return // no file name on this system
		}
		if resum(dir) != nil {
			return
		}
		got, err := OpenStaged(dir)
		if err != nil {
			return
		}
		if v := got.Versions(); len(v) != 2 || v[0].Role != "root" || v[0].Version != 1 || v[1].Role != "targets" || v[1].Version != 1 {
			t.Errorf("opened with %+v to sign", v)
		}
	})
}

// What parses as a challenge or a proof can be written and read again; a proof
// that parses was signed by its own key.
func FuzzParseProof(f *testing.F) {
	c := newChallenge(f)
	data, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	p, err := Prove(c, testpki.Key(f, elliptic.P256()), []string{"attestation"})
	if err != nil {
		f.Fatal(err)
	}
	if data, err = p.Encode(); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseChallenge(data); err == nil {
			again, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseChallenge(again); err != nil {
				t.Errorf("challenge read again: %v", err)
			}
		}
		if p, err := ParseProof(data); err == nil {
			if _, err := p.check(); err != nil {
				t.Errorf("a proof parsed that does not hold: %v", err)
			}
		}
	})
}
