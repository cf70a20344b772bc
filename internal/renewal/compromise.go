package renewal

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Theft says which key is compromised and since when.
type Theft struct {
	// Key is a name of the ledger, "tuf-online", "holder:NAME", or the hex
	// SHA-256 of an SPKI.
	Key        string
	Generation int // of a name; 0 is the newest
	Since      time.Time
	Reason     string
	Leaves     bool // the key's entries leave trusted_root.json
}

// Damage is what a compromise will close, before it is recorded.
type Damage struct {
	Entry  ledger.Compromise `json:"entry"`
	Role   string            `json:"role"`
	Closes []string          `json:"closes"` // generations, the key's own first
	Advice []string          `json:"advice"` // what this key can do in a thief's hands, and what saves what it signed
	Key    string            `json:"key"`    // hex SHA-256 of its SPKI
	// Backwards says that a thief can date what the key signs into the past.
	Backwards bool `json:"backwards"`
}

// Assess finds the key of a theft and everything that falls with it. It writes
// nothing.
func Assess(d *trustdir.Dir, t Theft, now time.Time) (*Damage, error) {
	if t.Since.After(now) {
		return nil, fault.New(fault.Usage, "a compromise is recorded from the first instant at which the key may have been misused",
			fmt.Errorf("--since %s lies ahead: nothing was recorded", trustdir.Stamp(t.Since)))
	}
	out := &Damage{Entry: ledger.Compromise{Name: t.Key, Generation: t.Generation, Since: t.Since, Reason: t.Reason, Leaves: t.Leaves}}
	if err := out.find(d, t); err != nil {
		return nil, err
	}
	if t.Leaves && !out.Backwards {
		return nil, fault.New(fault.Usage, "leave --leave out: the end of its window is enough", fmt.Errorf("what the key of %s signs cannot be dated into the past", out.Entry.Name))
	}
	return out, nil
}

func (m *Damage) find(d *trustdir.Dir, t Theft) error {
	name, number := t.Key, t.Generation
	if len(t.Key) == 64 {
		if found, n := ownerOf(d, strings.ToLower(t.Key)); found != "" {
			name, number = found, n
		}
	}
	generations := d.State.All(name)
	if len(generations) == 0 {
		return m.outside(d, name)
	}
	if number == 0 {
		number = len(generations)
	}
	if number < 1 || number > len(generations) {
		return fault.New(fault.Usage, "see `trustroot ledger show` for its generations", fmt.Errorf("%s has no generation %d", name, number))
	}
	m.Entry.Name, m.Entry.Generation = name, number
	g := generations[number-1]
	m.Key = g.Key()
	m.Role, m.Backwards, m.Advice = advice(&g)
	for _, other := range generations {
		if other.Key() != g.Key() {
			continue
		}
		m.Closes = append(m.Closes, trustdir.GenerationName(name, other.Number))
		for _, below := range d.State.Under(name, other.Number) {
			m.Closes = append(m.Closes, trustdir.GenerationName(below.Certificate.Authority, below.Number))
		}
	}
	return nil
}

// ownerOf returns whose key a digest is, and the newest generation of it.
func ownerOf(d *trustdir.Dir, key string) (string, int) {
	for _, of := range []map[string][]ledger.Generation{d.State.Authorities, d.State.Logs, d.State.Apps, {ledger.OnlineKey: d.State.Online}} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			for _, g := range slices.Backward(of[name]) {
				if g.Key() == key {
					return name, g.Number
				}
			}
		}
	}
	return "", 0
}

// outside is for keys that the ledger has no generation of.
func (m *Damage) outside(d *trustdir.Dir, name string) error {
	m.Entry.Generation = 0
	switch holder, isHolder := strings.CutPrefix(name, "holder:"); {
	case isHolder:
		data, err := fs.ReadFile(d.FS(), trustdir.HolderDir(holder)+trustdir.PublicFile)
		if err != nil {
			return fault.New(fault.Usage, "name a holder of the trust directory", err)
		}
		pub, err := pki.ParsePublicKey(data)
		if err != nil {
			return fmt.Errorf("holders/%s/key.pem: %w", holder, err)
		}
		if m.Entry.Key, err = pki.SPKISHA256(pub); err != nil {
			return err
		}
		m.Role, m.Advice = "tuf", []string{
			"one holder's key alone publishes nothing where the threshold is two; until the next root it still counts as one signature",
			"take the holder out of tuf.root and tuf.targets in the plan, add a new one, and stage the root, with the targets along where they change: trustroot tuf stage root"}
	case name == ledger.OnlineKey: // of a repository that an earlier version published
		if d.Plan.TUF == nil || d.Plan.TUF.OnlineKey.SPKISHA256 == "" {
			return fault.New(fault.Usage, "name the key by the SHA-256 of its SPKI", errors.New("the plan pins no online key"))
		}
		m.Entry.Key = d.Plan.TUF.OnlineKey.SPKISHA256
		m.Role, _, m.Advice = advice(&ledger.Generation{Online: &ledger.Online{}})
	case len(name) == 64:
		m.Entry.Name, m.Entry.Key = "key "+name[:8], strings.ToLower(name)
		m.Role, m.Advice = "unknown", []string{"the ledger holds no generation of this key: it is only refused from now on"}
	default:
		return fault.New(fault.Usage, "name an authority, a log, an application, tuf-online, holder:NAME, or the SHA-256 of a key", fmt.Errorf("the ledger has nothing named %q", name))
	}
	m.Closes = []string{m.Entry.Name}
	return nil
}

// advice says what a stolen key can do, by its role, and what saves what it
// signed while it was honest.
func advice(g *ledger.Generation) (role string, backwards bool, lines []string) {
	saved := "what saves an honest bundle is a log entry that stood in the tree before the theft: a checkpoint that was archived, witnessed or anchored by then; the gate demands that where its policy names the key under trust.stolen, and of a retired log where it says untied: refuse"
	switch {
	case g.Online != nil:
		return "tuf", false, []string{
			"it signs snapshots and timestamps: a thief can keep clients on an old publication and wedge them with a huge version, and cannot change a target",
			"make a new online key, write it into tuf.online_key, and have the holders sign a new root at once, trustroot tuf stage root --drop-online-key: clients then start both roles again"}
	case g.App != nil:
		return "application", false, []string{
			"an application's key has no window in trusted_root.json: verifiers accept it until its target is gone, which the next publication does",
			"sign what is deployed again with the new key: trustroot renew NAME --new-key"}
	case g.Log != nil && g.Log.Kind == plan.RekorV2:
		return "rekor", true, []string{
			"no client asks a Rekor v2 key for its window: whoever holds it proves the inclusion of anything, for ever, until the entry leaves",
			"timestamps still prove when something was signed; " + saved}
	case g.Log != nil:
		return "ct", true, []string{
			"a certificate timestamp can be dated into the past: a thief with this key and a Fulcio CA goes unseen by monitors", saved}
	}
	switch g.Certificate.Profile {
	case pki.ProfileRoot:
		return "root", false, []string{
			"no client gives a root a window of its own: only the entries under it count, and all of them end",
			"bundles from before the theft live by the signed time of the timestamp authority, whose own key was not stolen",
			"promote the standby root, issue every authority under it, and sign the stolen root's last CRL: trustroot promote"}
	case pki.ProfileFulcioCA:
		return "fulcio", false, []string{
			"certificates that a thief issues need a timestamp, which an honest authority dates after the end",
			"sigstore-python ignores the window of a Fulcio CA and accepts them as before",
			"look in the CT log for certificates that your Fulcio never issued"}
	case pki.ProfileTSA, pki.ProfileTSALeaf:
		return "tsa", true, []string{
			"closing the window does not stop tokens that are dated into the past: everything that rests on this authority's time alone is doubtful",
			saved}
	default:
		return "ca", false, []string{"no client looks at a window of its own: what it issued is for whoever relies on it to revoke"}
	}
}

// Compromise records a theft that was assessed. Everything in Closes is over
// at the last second before it.
func Compromise(d *trustdir.Dir, m *Damage, now time.Time) (*Closing, error) {
	names := []string{ledger.OnlineKey}
	for _, of := range []map[string][]ledger.Generation{d.State.Authorities, d.State.Logs, d.State.Apps} {
		names = slices.AppendSeq(names, maps.Keys(of))
	}
	slices.Sort(names)
	before := ends(d, names)
	entry := m.Entry
	if err := d.Append(now, ledger.Entry{Compromise: &entry}); err != nil {
		return nil, err
	}
	c := &Closing{Closed: closed(d, names, before)}
	c.Next = append(c.Next, m.Advice...)
	c.Next = append(c.Next, "disable the key where it is kept, so that it signs nothing more",
		"look for what it signed since "+trustdir.Stamp(entry.Since)+" in the logs: an end is not a revocation")
	c.Next = append(c.Next, Emergency(d, now)...)
	if m.Role == "root" && d.Plan.Authorities[plan.RootAuthority].CRL == nil {
		c.Next = append(c.Next, "the plan has no crl, so nothing revokes what it issued: verifiers go by the closed windows")
	}
	return c, nil
}

// Promote has verifiers trust a standby root from now on. number 0 is the only
// one that stands by.
func Promote(d *trustdir.Dir, number int, now time.Time) (*Closing, error) {
	var standing []int
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		if g.Standby {
			standing = append(standing, g.Number)
		}
	}
	if number == 0 && len(standing) == 1 {
		number = standing[0]
	}
	if !slices.Contains(standing, number) {
		return nil, fault.New(fault.Usage, "name one that stands by with --generation; trustroot status shows them", fmt.Errorf("root generation %d does not stand by (standing by: %v); nothing was recorded", number, standing))
	}
	if err := d.Append(now, ledger.Entry{Promote: &ledger.Promote{Name: plan.RootAuthority, Generation: number}}); err != nil {
		return nil, err
	}
	return &Closing{Next: Emergency(d, now)}, nil
}

// Retire ends a generation that nothing replaces: an application's key, a
// service that ends, a root under which nothing is open.
//
// checkpoint is the last one of a log, verified; nil records none. It is kept
// beside the key, and gates hold the log's entries to it.
func Retire(d *trustdir.Dir, name string, number int, checkpoint []byte, at, now time.Time) (*Closing, error) {
	if number == 0 {
		number = len(d.State.All(name))
	}
	before := ends(d, []string{name})
	ended := &ledger.Ended{Name: name, Generation: number, What: ledger.EndRetired, At: at}
	if checkpoint != nil {
		file := trustdir.FileOf(trustdir.GenerationDir("logs", name, number)+"/"+trustdir.LastCheckpointFile, checkpoint)
		if err := d.Replace(map[string][]byte{file.Path: checkpoint}); err != nil {
			return nil, err
		}
		ended.Checkpoint = &file
	}
	err := d.Append(now, ledger.Entry{Ended: ended})
	if err != nil {
		return nil, fault.New(fault.Usage, "end what is still open first (trustroot cutover, trustroot retire); nothing was recorded", err)
	}
	c := &Closing{Closed: closed(d, []string{name}, before)}
	if name == plan.RootAuthority {
		c.Next = append(c.Next, fmt.Sprintf("hold one more ceremony at its token, for the last CRL and to destroy its key: trustroot request create --crl %d --destroy --out STICK; its entries stay, for old bundles need them", number))
	}
	return c, nil
}
