package tuf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// What root and targets may say, field by field. internal/strict refuses
// duplicate names and every field that is not here.
type (
	wire[T any] struct {
		Signatures []wireSignature `json:"signatures"`
		Signed     T               `json:"signed"`
	}
	wireSignature struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	}
	wireCommon struct {
		Type    string    `json:"_type"`
		Spec    string    `json:"spec_version"`
		Version int64     `json:"version"`
		Expires time.Time `json:"expires"`
		wirePeriods
	}
	wirePeriods struct {
		Expiry int `json:"x-tuf-on-ci-expiry-period"` // days
		Resign int `json:"x-tuf-on-ci-signing-period"`
	}
	wireRoot struct {
		wireCommon
		Consistent bool                `json:"consistent_snapshot"`
		Keys       map[string]wireKey  `json:"keys"`
		Roles      map[string]wireRole `json:"roles"`
	}
	wireKey struct {
		Type   string `json:"keytype"`
		Scheme string `json:"scheme"`
		Value  struct {
			Public string `json:"public"`
		} `json:"keyval"`
	}
	wireRole struct {
		KeyIDs    []string `json:"keyids"`
		Threshold int      `json:"threshold"`
		wirePeriods
	}
	wireTargets struct {
		wireCommon
		Targets     map[string]wireTarget `json:"targets"`
		Delegations *wireDelegations      `json:"delegations"`
	}
	wireTarget struct {
		Length int64 `json:"length"`
		Hashes struct {
			SHA256 string `json:"sha256"`
		} `json:"hashes"`
		Custom *struct {
			Sigstore Usage `json:"sigstore"`
		} `json:"custom"`
	}
	wireDelegations struct {
		Keys  map[string]wireKey `json:"keys"`
		Roles []wireDelegation   `json:"roles"`
	}
	wireDelegation struct {
		Name        string   `json:"name"`
		KeyIDs      []string `json:"keyids"`
		Threshold   int      `json:"threshold"`
		Paths       []string `json:"paths"`
		Terminating bool     `json:"terminating"`
	}
)

// maxVersion bounds versions: JavaScript clients count to 2^53, and a version
// that nobody can exceed ends a repository.
const maxVersion = 1 << 31

var (
	pathForm = form{regexp.MustCompile(`^[A-Za-z0-9_*][A-Za-z0-9._+@=*/-]*$`), 250}
	uriForm  = form{regexp.MustCompile(`^[!-~]*$`), 500}
	textForm = form{regexp.MustCompile(`^[ -~]*$`), 500}
)

// form is a pattern with a bound in bytes: counted repetitions in the pattern
// itself cost milliseconds at every start of the program.
type form struct {
	*regexp.Regexp
	most int
}

// MatchString reports whether a string has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.Regexp.MatchString(s) }

// readModel reads a version of root or targets, or of a delegated role. It
// refuses whatever a model cannot hold.
func readModel(d *document) (*model, error) {
	m, err := parseModel(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.fileName(), err)
	}
	return m, nil
}

func parseModel(d *document) (*model, error) {
	m := &model{role: d.role, roles: map[string]roleModel{}, targets: map[string]targetModel{}}
	if d.root == nil {
		var w wire[wireTargets]
		if err := strict.JSON(d.raw, &w); err != nil {
			return nil, err
		}
		m.common(w.Signed.wireCommon)
		return m, errors.Join(m.readTargets(w.Signed.Targets), m.readDelegations(w.Signed.Delegations))
	}
	var w wire[wireRoot]
	if err := strict.JSON(d.raw, &w); err != nil {
		return nil, err
	}
	m.common(w.Signed.wireCommon)
	for _, name := range metadata.TOP_LEVEL_ROLE_NAMES {
		r, there := w.Signed.Roles[name]
		if !there {
			return nil, fmt.Errorf("no role %s", name)
		}
		keys, err := readKeys(r.KeyIDs, w.Signed.Keys)
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", name, err)
		}
		m.roles[name] = roleModel{threshold: r.Threshold, keys: keys, periods: r.periods()}
	}
	return m, nil
}

func (w wirePeriods) periods() OnlineRole {
	return OnlineRole{Expiry: plan.Days(w.Expiry), Resign: plan.Days(w.Resign)}
}

func (m *model) common(w wireCommon) {
	m.spec, m.version, m.expires, m.periods = w.Spec, w.Version, w.Expires.UTC(), w.periods()
}

func (m *model) readTargets(targets map[string]wireTarget) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		w := targets[name]
		t := targetModel{length: w.Length, sha256: w.Hashes.SHA256}
		err := checkTargetName(name)
		if sum, bad := hex.DecodeString(w.Hashes.SHA256); bad != nil || len(sum) != sha256.Size {
			err = errors.Join(err, fmt.Errorf("target %q: its one hash must be SHA-256", name))
		}
		if w.Custom != nil {
			t.usage = w.Custom.Sigstore
			if err == nil && t.usage.check() != nil {
				err = fmt.Errorf("target %s: %w", name, t.usage.check())
			}
		}
		errs = append(errs, err)
		m.targets[name] = t
	}
	return errors.Join(errs...)
}

// check refuses what older clients do not know.
func (u Usage) check() error {
	if !slices.Contains([]string{"Active", "Expired"}, u.Status) || !slices.Contains([]string{"Fulcio", "Rekor", "CTFE", "TSA", "Unknown"}, u.Usage) || !uriForm.MatchString(u.URI) {
		return fmt.Errorf("custom metadata %.80q, %.80q, %.80q: status is Active or Expired, usage Fulcio, Rekor, CTFE, TSA or Unknown, uri a URL", u.Status, u.Usage, u.URI)
	}
	return nil
}

func (m *model) readDelegations(w *wireDelegations) error {
	if w == nil {
		return nil
	}
	for _, r := range w.Roles {
		if err := checkRoleName(r.Name); err != nil {
			return err
		}
		if _, twice := m.roles[r.Name]; twice {
			return fmt.Errorf("two delegations %s: clients take the first", r.Name)
		}
		for _, path := range r.Paths {
			if !pathForm.MatchString(path) {
				return fmt.Errorf("delegation %s: path %.80q is not a pattern of target names", r.Name, path)
			}
		}
		keys, err := readKeys(r.KeyIDs, w.Keys)
		if err != nil {
			return fmt.Errorf("delegation %s: %w", r.Name, err)
		}
		m.roles[r.Name] = roleModel{threshold: r.Threshold, keys: keys, paths: strings.Join(r.Paths, " "), terminating: r.Terminating}
		m.order = append(m.order, r.Name)
	}
	return nil
}

func checkRoleName(name string) error {
	if !roleName.MatchString(name) || slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], name) {
		return fmt.Errorf("delegation %.80q: use a name of its own in lower-case letters, digits and hyphens", name)
	}
	return nil
}

// readKeys returns the keys that a role names, by ID.
func readKeys(ids []string, keys map[string]wireKey) (keyRing, error) {
	out := keyRing{}
	for _, id := range ids {
		w, there := keys[id]
		if _, twice := out[id]; twice || !there {
			return nil, fmt.Errorf("key %.12q is missing or stands there twice", id)
		}
		key := &metadata.Key{Type: w.Type, Scheme: w.Scheme, Value: metadata.KeyVal{PublicKey: w.Value.Public}}
		pub, faults := readKey(id, key)
		if len(faults) > 0 {
			return nil, errors.Join(faults...)
		}
		out[id] = pub
	}
	return out, nil
}
