// Package witness reads and writes tlog-policy files (C2SP tlog-policy) and asks
// whether the witnesses of one have cosigned a checkpoint (C2SP tlog-cosignature).
//
// It refuses a policy that an implementation would read in another way: a
// component that is not defined before, a group with a threshold that it cannot
// reach, a line that nobody knows. Witness keys are Ed25519 (0x04).
//
// It imports the standard library and golang.org/x/mod/sumdb/note.
package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignature is the type byte of an Ed25519 witness key.
const cosignature = 4

// Witness is a key that cosigns checkpoints, and where the log asks it.
type Witness struct {
	Name string // in the policy
	Key  string // verifier string: name+hash+base64(0x04 ‖ key)
	URL  string

	verifier verifier
}

// verifier implements note.Verifier for cosignatures.
type verifier struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// Name implements note.Verifier.
func (v verifier) Name() string { return v.name }

// KeyHash implements note.Verifier.
func (v verifier) KeyHash() uint32 { return v.hash }

// Verify implements note.Verifier: the signature is the time in seconds, big
// endian, before Ed25519's over the time and the note.
func (v verifier) Verify(message, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), message)
	return ed25519.Verify(v.key, signed, sig[8:])
}

// parseKey reads a witness's verifier string.
func parseKey(text string) (verifier, error) {
	name, rest, _ := strings.Cut(text, "+")
	sum, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	hash, hexErr := hex.DecodeString(sum)
	switch {
	case name == "" || err != nil || hexErr != nil || len(hash) != 4:
		return verifier{}, fmt.Errorf("%q is not a verifier string: write name+hash+key as the witness prints it", text)
	case len(key) != 1+ed25519.PublicKeySize || key[0] != cosignature:
		return verifier{}, fmt.Errorf("the key of %s is not an Ed25519 witness key (type 0x04)", name)
	}
	want := sha256.Sum256(append([]byte(name+"\n"), key...))
	if !bytes.Equal(hash, want[:4]) {
		return verifier{}, fmt.Errorf("the key of %s has the hash %x, the verifier string says %s", name, want[:4], sum)
	}
	return verifier{name, binary.BigEndian.Uint32(hash), key[1:]}, nil
}

// New checks a witness.
func New(name, key, url string) (Witness, error) {
	v, err := parseKey(key)
	if err == nil && (name == "" || strings.ContainsAny(name, " \t\n#") || strings.ContainsAny(url, " \t\n#")) {
		err = fmt.Errorf("%q is not a name and %q not a URL that a policy can hold", name, url)
	}
	return Witness{Name: name, Key: key, URL: url, verifier: v}, err
}

// Policy is the witnesses of a log, and which of them must have cosigned.
type Policy struct {
	witnesses map[string]Witness
	groups    map[string]group
	quorum    string // empty asks for none
	Logs      []string
}

type group struct {
	threshold int
	members   []string
}

// Result is what the cosignatures of a checkpoint came to.
type Result struct {
	Satisfied bool
	Names     []string  // of the witnesses that cosigned, as their keys name them
	Newest    time.Time // of the newest cosignature; zero where there is none
}

// Check verifies the cosignatures of a checkpoint, a signed note. A signature of
// a known witness that does not hold is an error.
func (p *Policy) Check(checkpoint []byte) (Result, error) {
	known := make([]note.Verifier, 0, len(p.witnesses))
	for _, w := range p.witnesses {
		known = append(known, w.verifier)
	}
	var r Result
	signed := map[string]bool{} // by the key's name and hash
	n, err := note.Open(checkpoint, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	if err != nil && !errors.As(err, &unverified) {
		return r, fmt.Errorf("cosignatures: %w", err)
	}
	if n != nil {
		for _, s := range n.Sigs {
			data, err := base64.StdEncoding.DecodeString(s.Base64)
			if err != nil || len(data) < 12 {
				return r, errors.New("a cosignature is too short")
			}
			if at := time.Unix(int64(binary.BigEndian.Uint64(data[4:])&(1<<53-1)), 0).UTC(); at.After(r.Newest) {
				r.Newest = at
			}
			signed[fmt.Sprintf("%s+%08x", s.Name, s.Hash)] = true
			r.Names = append(r.Names, s.Name)
		}
	}
	r.Satisfied = p.quorum == "" || p.holds(p.quorum, signed)
	return r, nil
}

// holds reports whether a component is satisfied. A component knows only those
// that were defined before it, so this ends.
func (p *Policy) holds(name string, signed map[string]bool) bool {
	if w, ok := p.witnesses[name]; ok {
		return signed[fmt.Sprintf("%s+%08x", w.verifier.name, w.verifier.hash)]
	}
	n := 0
	for _, member := range p.groups[name].members {
		if p.holds(member, signed) {
			n++
		}
	}
	return n >= p.groups[name].threshold
}
