package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki"
)

// keySet is the keys of which a threshold must sign.
type keySet struct {
	label     string // "root 3", for messages
	keys      keyRing
	threshold int
	theirs    map[string]*metadata.Key // of a stranger's repository: keys that only go-tuf takes
}

// rootSet returns the keys that a root version names for a top-level role.
func rootSet(d *document, role string) (keySet, error) {
	label := fmt.Sprintf("root %d", d.version())
	r := d.root.Signed.Roles[role]
	if r == nil {
		return keySet{}, fmt.Errorf("%s: no role %s", label, role)
	}
	return newKeySet(label+", role "+role, r.KeyIDs, r.Threshold, d.root.Signed.Keys, d.dislike)
}

// delegatedSet returns the keys that targets metadata names for a delegated
// role.
func delegatedSet(d *document, role string) (keySet, error) {
	label := fmt.Sprintf("%s %d", d.role, d.version())
	if d.targets.Signed.Delegations != nil {
		for _, r := range d.targets.Signed.Delegations.Roles {
			if r.Name == role {
				return newKeySet(label+", role "+role, r.KeyIDs, r.Threshold, d.targets.Signed.Delegations.Keys, d.dislike)
			}
		}
	}
	return keySet{}, fmt.Errorf("%s: no delegation %s", label, role)
}

func newKeySet(label string, ids []string, threshold int, keys map[string]*metadata.Key, dislike func(error)) (keySet, error) {
	set := keySet{label: label, threshold: threshold, keys: keyRing{}, theirs: map[string]*metadata.Key{}}
	var errs []error
	for _, id := range ids {
		if set.keys[id] != nil || set.theirs[id] != nil {
			errs = append(errs, fmt.Errorf("%s: key %.12s stands there twice", label, id))
			continue
		}
		// a key ID is a digest of its key, so two IDs are two keys
		pub, faults := readKey(id, keys[id])
		for _, err := range faults {
			errs = append(errs, fmt.Errorf("%s: %w", label, err))
		}
		switch {
		case len(faults) == 0:
			set.keys[id] = pub
		case dislike != nil && keys[id] != nil:
			set.theirs[id] = keys[id]
		}
	}
	if threshold < 1 || threshold > len(ids) {
		errs = append(errs, fmt.Errorf("%s: threshold %d of %d keys cannot be met", label, threshold, len(ids)))
	}
	if dislike != nil {
		for _, err := range errs {
			dislike(err)
		}
		return set, nil
	}
	return set, errors.Join(errs...)
}

// verify checks one signature over a document by one key of the set.
func (s keySet) verify(d *document, sig metadata.Signature) error {
	if key := s.theirs[sig.KeyID]; key != nil {
		return verifyTheirs(d, sig.KeyID, key)
	}
	pub := s.keys[sig.KeyID]
	if pub == nil {
		return fmt.Errorf("key %.12s does not sign for %s", sig.KeyID, s.label)
	}
	payload, err := d.canonical()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(payload)
	if !ecdsa.VerifyASN1(pub, digest[:], sig.Signature) {
		return fmt.Errorf("the signature of key %.12s is not over %s", sig.KeyID, d.fileName())
	}
	return nil
}

// signers returns the IDs of the distinct keys with a valid signature.
func (s keySet) signers(d *document) []string {
	var out []string
	for _, sig := range *d.signatures() {
		if s.verify(d, sig) == nil && !slices.Contains(out, sig.KeyID) {
			out = append(out, sig.KeyID)
		}
	}
	slices.Sort(out)
	return out
}

// check returns an error unless the threshold is met by distinct keys.
func (s keySet) check(d *document) error {
	if n := s.distinct(s.signers(d)); n < max(1, s.threshold) {
		return fmt.Errorf("%s has %d of the %d signatures that %s asks for", d.fileName(), n, s.threshold, s.label)
	}
	return nil
}

// whyP256 is why no other key will do.
const whyP256 = "TUF keys are ECDSA on P-256: other curves are mislabelled by go-tuf, ignored by the Java client, hashed wrongly by tuf-js and not parsed by rust tough"

// CheckKey returns the key in pub if it lies on P-256.
func CheckKey(pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	key, ok := pub.(*ecdsa.PublicKey)
	switch {
	case pub == nil || ok && (key == nil || key.Curve == nil):
		return nil, errors.New("public key is missing")
	case !ok:
		return nil, fmt.Errorf("a key of type %T: %s", pub, whyP256)
	case key.Curve != elliptic.P256():
		return nil, fmt.Errorf("an ECDSA key on %s: %s", key.Curve.Params().Name, whyP256)
	}
	// encoding refuses points that are not on the curve
	if _, err := key.Bytes(); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return key, nil
}

// KeyID returns the TUF key ID of a P-256 key as go-tuf computes it: the
// SHA-256 of the key's canonical JSON, lower-case hex.
func KeyID(pub crypto.PublicKey) (string, error) {
	_, id, err := encodeKey(pub)
	return id, err
}

func encodeKey(pub crypto.PublicKey) (*metadata.Key, string, error) {
	key, err := CheckKey(pub)
	if err != nil {
		return nil, "", err
	}
	out, err := metadata.KeyFromPublicKey(key)
	if err != nil {
		return nil, "", fmt.Errorf("encode TUF key: %w", err)
	}
	id, err := out.ID()
	if err != nil {
		return nil, "", fmt.Errorf("encode TUF key: %w", err)
	}
	return out, id, nil
}

// readKey returns the key that metadata lists under id, and an error for each
// thing that some client refuses: another type or scheme, another curve, and a
// key ID that is not the key's own.
func readKey(id string, key *metadata.Key) (ec *ecdsa.PublicKey, faults []error) {
	if key == nil {
		return nil, []error{fmt.Errorf("key %.12s: missing", id)}
	}
	fail := func(err error) { faults = append(faults, fmt.Errorf("key %.12s: %w", id, err)) }
	named := key.Type == metadata.KeyTypeECDSA_SHA2_P256 && key.Scheme == metadata.KeySchemeECDSA_SHA2_P256
	if !named {
		fail(fmt.Errorf("type %q with scheme %q: not every client reads other than type ecdsa with scheme ecdsa-sha2-nistp256", key.Type, key.Scheme))
	}
	pub, err := pki.ParseAnyPublicKey([]byte(key.Value.PublicKey))
	if err == nil {
		ec, err = CheckKey(pub)
	}
	if err != nil {
		fail(err)
	}
	if own, err := key.ID(); err != nil {
		fail(err)
	} else if own != id {
		fail(fmt.Errorf("its own ID is %.12s", own))
	}
	return ec, faults
}
