package tuf

import (
	"bytes"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// node is a JSON object that keeps order and duplicates.
type node struct {
	keys   []string
	values []any
}

func (n *node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range n.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(n.values[i])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// readNode reads JSON into nodes, lists and scalars.
func readNode(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		n := &node{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			value, err := readNode(dec)
			if err != nil {
				return nil, err
			}
			n.keys, n.values = append(n.keys, key.(string)), append(n.values, value)
		}
		_, err = dec.Token()
		return n, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := readNode(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = dec.Token()
		return list, err
	}
	return token, nil
}

// objects lists every object of a document.
func objectCount(v any) []*node {
	var out []*node
	switch v := v.(type) {
	case *node:
		out = append(out, v)
		for _, inner := range v.values {
			out = append(out, objectCount(inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, objectCount(inner)...)
		}
	}
	return out
}

// somethingElse is another value of the same kind, or of another.
func somethingElse(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case string:
		return pick(r, v+"x", "", "*", "2126-01-01T00:00:00Z", "\x1b[2J"+v, "\u202e"+v, strings.ToUpper(v), fmt.Sprintf("%064x", r.Uint64()))
	case json.Number:
		return pick(r, any(json.Number(fmt.Sprint(r.IntN(40000)))), any(json.Number("9223372036854775807")), any(json.Number(v.String()+"0")), any(json.Number("-1")), any(v.String()))
	case bool:
		return !v
	case []any:
		if len(v) > 1 && r.IntN(2) == 0 {
			out := slices.Clone(v)
			slices.Reverse(out)
			return out
		}
		if len(v) > 0 && r.IntN(2) == 0 {
			return slices.Clone(v[1:])
		}
		return append(slices.Clone(v), pick(r, any("*"), any("*/*"), any(&node{}), any(json.Number("1"))))
	case *node:
		return pick(r, any(&node{}), any([]any{}), any(nil), any("x"))
	}
	return "x"
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var mutations = []func(r *rand.Rand, n *node){
	func(r *rand.Rand, n *node) { // a field added
		n.keys = append(n.keys, pick(r, "x", "custom", "terminating", "path_hash_prefixes", "x-tuf-on-ci-expiry-period", "Version", "succinct_roles", "paths", "evil.pub"))
		n.values = append(n.values, pick(r, any(json.Number("36500")), any(true), any("x"), any([]any{"*"}), any(&node{keys: []string{"a"}, values: []any{"b"}})))
	},
	func(r *rand.Rand, n *node) { // a name twice, the second before or after
		i := r.IntN(len(n.keys))
		n.keys = slices.Insert(n.keys, pick(r, i, i+1), n.keys[i])
		n.values = slices.Insert(n.values, i, pick(r, n.values[i], somethingElse(r, n.values[i])))
	},
	func(r *rand.Rand, n *node) { // reordered
		i, j := r.IntN(len(n.keys)), r.IntN(len(n.keys))
		n.keys[i], n.keys[j] = n.keys[j], n.keys[i]
		n.values[i], n.values[j] = n.values[j], n.values[i]
	},
	func(r *rand.Rand, n *node) { // a value changed
		i := r.IntN(len(n.keys))
		n.values[i] = somethingElse(r, n.values[i])
	},
	func(r *rand.Rand, n *node) { // a field gone
		i := r.IntN(len(n.keys))
		n.keys, n.values = slices.Delete(n.keys, i, i+1), slices.Delete(n.values, i, i+1)
	},
	func(r *rand.Rand, n *node) { // a field renamed
		i := r.IntN(len(n.keys))
		n.keys[i] = pick(r, n.keys[i]+"x", strings.ToUpper(n.keys[i]), "a\nb", "../x")
	},
	func(r *rand.Rand, n *node) { // two values change places
		i, j := r.IntN(len(n.keys)), r.IntN(len(n.keys))
		n.values[i], n.values[j] = n.values[j], n.values[i]
	},
}

// TestDescribe_EveryChangeIsRefusedOrShown changes staged metadata at random:
// whatever differs from the honest bytes is refused, or other words are shown.
// The words are a function of what is signed, and what is signed one of the
// words: two changes with the same words have the same bytes.
func TestDescribe_EveryChangeIsRefusedOrShown(t *testing.T) {
	needs.Time(t)
	w := newWorld(t)
	w.pol.Delegations = []Delegation{
		{Name: "apps", Paths: []string{"apps/*", "apps/*/*"}, RolePolicy: w.role(2, 365, 31, "bob", "dave", "erin")},
		{Name: "more", Paths: []string{"more/*"}, RolePolicy: w.role(2, 365, 31, "bob", "dave")},
	}
	w.targets.Files["apps/web/g1.pem"] = []byte("key one")
	st := newMemory()
	w.publish(w.sign(w.init(day0), "alice", "bob", "dave"), st, day0)
	w.replaceBob()
	w.pol.Delegations[0].RolePolicy = w.role(1, 365, 31, "erin")
	w.pol.AllowSingleHolder = true
	w.change()
	rotated, err := StageRoot(t.Context(), w.folder(), st, w.pol, day(1), true)
	w.must(err)
	w.pol.Root, w.pol.Targets = w.role(2, 197, 46, "alice", "bob", "carol"), w.role(2, 365, 31, "alice", "bob", "carol")
	targets, err := StageTargets(t.Context(), w.folder(), st, w.pol, w.targets, day(1), true)
	w.must(err)
	type honest struct {
		last map[string]*document
		doc  *document
		text string
	}
	var all []honest
	for _, s := range []*Staged{rotated, targets, w.init(day0)} {
		for _, d := range s.sign {
			text, _, err := describe(lastVersions(s), []*document{d}, s.Holders)
			w.must(err)
			all = append(all, honest{lastVersions(s), d, text})
		}
	}
	cases, shown := 10_000, 0
	seen := map[string]string{} // words → bytes
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range cases {
		h := pick(r, all...)
		dec := json.NewDecoder(bytes.NewReader(h.doc.raw))
		dec.UseNumber()
		root, err := readNode(dec)
		w.must(err)
		for range 1 + r.IntN(2) {
			of := objectCount(root)
			of = slices.DeleteFunc(of, func(n *node) bool { return len(n.keys) == 0 })
			pick(r, mutations...)(r, pick(r, of...))
		}
		data, err := json.Marshal(root)
		w.must(err)
		text, err := describeBytes(h.last, h.doc.role, data)
		if err != nil || bytes.Equal(data, h.doc.raw) {
			continue
		}
		shown++
		if strings.ContainsAny(strings.ReplaceAll(text, "\n", ""), "\x1b\u202e\u200b\r\x00") {
			t.Fatalf("seed %d: the words carry a control character: %q", seed, text)
		}
		if text == h.text {
			t.Fatalf("seed %d: shown as if nothing had changed:\n%s\n%s", seed, h.doc.raw, data)
		}
		if before, known := seen[text]; known && before != string(data) {
			t.Fatalf("seed %d: two changes, one text:\n%s\n%s", seed, before, data)
		}
		seen[text] = string(data)
	}
	t.Logf("%d of %d shown, the others refused", shown, cases)
	if shown == 0 {
		t.Error("every change is refused: the test does not see what is shown")
	}
}

func describeBytes(last map[string]*document, role string, data []byte) (string, error) {
	d, err := parseDocument(role, data)
	if err != nil {
		return "", err
	}
	text, _, err := describe(last, []*document{d}, map[string]string{})
	return text, err
}

// rewrite changes a file of a staged folder and its SHA256SUMS with it, as one
// who carries it could.
func rewrite(t *testing.T, s *Staged, name string, data []byte) error {
	t.Helper()
	c := copyDir(t, s)
	path := filepath.Join(c.Dir(), filepath.FromSlash(name))
	var err error
	if data == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := resum(c.Dir()); err != nil {
		t.Fatal(err)
	}
	_, err = OpenStaged(c.Dir())
	return err
}

// resum writes the SHA256SUMS of a staged folder anew.
func resum(dir string) error {
	files, err := courier.ReadFolder(dir, folderLimits)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumsName), courier.Sums(folder(files).covered()), 0o644)
}

func TestOpenStaged_WithoutTheOldContentIsRefused(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.change()
	s := w.stageTargets(st, day(1))
	for _, name := range slices.Sorted(maps.Keys(s.previous)) {
		if err := rewrite(t, s, previousDir+"/"+name, nil); err == nil || !strings.Contains(err.Error(), previousDir+"/"+name+" is missing") {
			t.Errorf("opened without what %s replaces: %v", name, err)
		}
	}
	if len(s.previous) == 0 {
		t.Error("nothing was replaced")
	}
}

func TestOpenStaged_TwoDelegationsOfOneName(t *testing.T) {
	w := newWorld(t)
	w.pol.Delegations = []Delegation{{Name: "apps", Paths: []string{"apps/*"}, RolePolicy: w.role(2, 365, 31, "bob", "dave")}}
	s := w.init(day0)
	eve, id, err := encodeKey(testpki.Key(t, elliptic.P256()).Public())
	w.must(err)
	d := s.find("targets")
	evil := d.targets.Signed.Delegations.Roles[0]
	evil.KeyIDs, evil.Threshold, evil.Paths = []string{id}, 1, []string{"*", "*/*"}
	d.targets.Signed.Delegations.Keys[id] = eve
	d.targets.Signed.Delegations.Roles = append(d.targets.Signed.Delegations.Roles[:0:0], evil, d.targets.Signed.Delegations.Roles[0])
	raw, err := d.encode()
	w.must(err)
	if err := rewrite(t, s, signDir+"/1.targets.json", raw); err == nil || !strings.Contains(err.Error(), "two delegations apps") {
		t.Errorf("opened: %v", err)
	}
}
