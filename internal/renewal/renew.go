package renewal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Options are what the next generations are planned with.
type Options struct {
	Names    []string
	NewKey   bool
	Ceremony string    // that issues the certificates; of the plan, unless Day is given
	Day      time.Time // of a ceremony that the plan does not have yet; zero for none
	Token    uint32    // for that ceremony; 0 takes that of the root's last
	Start    time.Time // first use of a log's key; zero leaves it to `log add`
	Root     int       // generation of the root that issues it; 0 is that of the ceremony's token
	Subject  string    // common name of a new root; empty numbers the first one's
	Standby  bool      // a new root that nobody trusts until it is promoted
	Origin   string    // of a log from this generation on; empty keeps it
	URL      string    // of a log or service from this generation on; empty keeps it
	Key      string    // KMS ARN of the new key, one name only; empty is filled in later
	SPKI     string    // its pin, hex SHA-256
}

// Renewal is the next generation of one name.
type Renewal struct {
	Name       string             `json:"name"`
	Generation int                `json:"generation"`
	NewKey     bool               `json:"new_key"`
	Insertion  plan.Insertion     `json:"insertion"`         // into the plan as it then is
	Overlap    *Overlap           `json:"overlap,omitempty"` // authorities
	Diff       []draft.Difference `json:"differences"`
	Summary    string             `json:"summary"`
}

// Overlap is the time in which the old and the new certificate are both valid.
// To is before From where there is none.
type Overlap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Days is the length in whole days.
func (o Overlap) Days() int { return int(o.To.Sub(o.From).Hours() / 24) }

// Renewals are the next generations, and the plan that holds them.
type Renewals struct {
	Ceremony *plan.Insertion `json:"ceremony,omitempty"` // where one is added
	Renewals []Renewal       `json:"renewals"`
	Plan     []byte          `json:"-"`
}

// Renew plans the next generation of each name and drafts its certificate. It
// writes nothing: see WritePlan.
func Renew(d *trustdir.Dir, o Options) (*Renewals, error) {
	if len(o.Names) > 1 && o.Key+o.SPKI != "" {
		return nil, fault.New(fault.Usage, "renew one name at a time, or leave --key and --spki-sha256 out and write them into the plan", errors.New("several names cannot have one key"))
	}
	r := &Renewals{Plan: d.PlanBytes}
	if err := addCeremony(d, r, o); err != nil {
		return nil, err
	}
	for _, name := range o.Names {
		next, err := renew(d, name, o)
		if err != nil {
			return nil, fmt.Errorf("renew %s: %w", name, err)
		}
		in, err := plan.AppendGeneration(r.Plan, name, next)
		if err != nil {
			return nil, fault.New(fault.Usage, "nothing was changed", fmt.Errorf("renew %s: %w", name, err))
		}
		r.Plan = in.Apply(r.Plan)
		r.Renewals = append(r.Renewals, Renewal{Name: name, Generation: next.Generation, NewKey: o.NewKey, Insertion: in})
	}
	p, err := plan.Parse(trustdir.PlanFile, r.Plan)
	if err != nil {
		return nil, err
	}
	return r, compareRenewals(d, p, r)
}

func addCeremony(d *trustdir.Dir, r *Renewals, o Options) error {
	if _, there := d.Plan.Ceremonies[o.Ceremony]; there || o.Day.IsZero() {
		if there && !o.Day.IsZero() {
			return fault.New(fault.Usage, "leave --day out, or name another ceremony", fmt.Errorf("the plan has the ceremony %s already", o.Ceremony))
		}
		return nil
	}
	token := o.Token
	if roots := d.Plan.Authorities[plan.RootAuthority].Generations; token == 0 && !slices.Contains(o.Names, plan.RootAuthority) {
		token = d.Plan.Ceremonies[roots[issuingRoot(d, o)-1].Ceremony].Token
	}
	if token == 0 {
		return fault.New(fault.Usage, "give the serial number of the root's token with --token; a new root takes a new token", errors.New("the plan does not say on which token the root's key is"))
	}
	in, err := plan.AppendCeremony(r.Plan, o.Ceremony, plan.Ceremony{Day: o.Day.Format(time.DateOnly), NotBefore: o.Day.UTC(), Token: token})
	if err != nil {
		return fault.New(fault.Usage, "nothing was changed", fmt.Errorf("add the ceremony %s: %w", o.Ceremony, err))
	}
	r.Ceremony, r.Plan = &in, in.Apply(r.Plan)
	return nil
}

// renew decides what the next generation of a name says.
func renew(d *trustdir.Dir, name string, o Options) (plan.Generation, error) {
	kind, have := d.Plan.Generations(name)
	if len(have) == 0 {
		return plan.Generation{}, fault.New(fault.Usage, "name an authority, a log or an application of the plan", errors.New("the plan has no such name"))
	}
	if kind == "authorities" && name != plan.RootAuthority {
		if g := ledger.Newest(d.State.Authorities[name]); g != nil && !o.NewKey {
			if err := d.State.Refuses(g.Key(), "", 0); err != nil {
				return plan.Generation{}, err
			}
		}
		if err := d.State.Refuses("", plan.RootAuthority, issuingRoot(d, o)); err != nil {
			return plan.Generation{}, err
		}
	}
	if in := inLedger(d, name); in < len(have) {
		return plan.Generation{}, fault.New(fault.Usage, "carry that one out first, or change it in the plan",
			fmt.Errorf("generation %d is planned and not in the ledger yet", in+1))
	}
	if err := cutOver(d, name); err != nil {
		return plan.Generation{}, err
	}
	last := trustdir.Newest(have)
	next := plan.Generation{Generation: last.Generation + 1, Key: o.Key, SPKISHA256: o.SPKI, Origin: o.Origin, URL: o.URL}
	if name == plan.RootAuthority {
		return newRoot(d, o, next)
	}
	if kind != "authorities" {
		what := map[string]string{"logs": "log", "apps": "application"}[kind]
		if !o.NewKey {
			return next, fault.New(fault.Usage, "add --new-key", fmt.Errorf("a new generation of a %s is a new key", what))
		}
		if o.Ceremony != "" {
			return next, fault.New(fault.Usage, "leave --ceremony out, and renew authorities by themselves", fmt.Errorf("a %s has no certificate", what))
		}
		if kind == "logs" && !o.Start.IsZero() {
			start := o.Start.UTC()
			next.Start = &start
		}
		return next, nil
	}
	if o.Ceremony == "" {
		return next, fault.New(fault.Usage, "name the ceremony that issues it with --ceremony", errors.New("a certificate is issued in a ceremony"))
	}
	if _, there := d.Plan.Ceremonies[o.Ceremony]; !there && o.Day.IsZero() {
		return next, fault.New(fault.Usage, "write it into the plan, or give its day with --day", fmt.Errorf("the plan has no ceremony %s", o.Ceremony))
	}
	next.Ceremony = o.Ceremony
	if o.Root > 0 || len(d.Plan.Authorities[plan.RootAuthority].Generations) > 1 {
		next.Root = issuingRoot(d, o)
	}
	if !o.NewKey {
		next.Key, next.SPKISHA256 = last.Key, last.SPKISHA256
	} else if next.Key == "" && (last.Key == plan.ExternalKey || d.Plan.Authorities[name].Profile == pki.ProfileSPIFFECA) {
		next.Key = plan.ExternalKey // SPIRE's server takes its CA's key from a file or a secret
	}
	return next, nil
}

// issuingRoot is the root that issues next: the one that was named, the one at
// whose token the ceremony is held, or the newest that may issue.
func issuingRoot(d *trustdir.Dir, o Options) int {
	roots := d.Plan.Authorities[plan.RootAuthority].Generations
	if o.Root > 0 && o.Root <= len(roots) {
		return o.Root
	}
	if _, there := d.Plan.Ceremonies[o.Ceremony]; there {
		if n := d.Plan.RootOf(o.Ceremony); n > 0 {
			return n
		}
	}
	known := d.State.Authorities[plan.RootAuthority]
	for _, g := range slices.Backward(known) {
		if g.Live() && g.Number <= len(roots) {
			return g.Number
		}
	}
	return max(min(len(known), len(roots)), 1)
}

// newRoot plans another root: a key of its own, on a token of its own, under a
// name of its own.
func newRoot(d *trustdir.Dir, o Options, next plan.Generation) (plan.Generation, error) {
	if !o.NewKey {
		return next, fault.New(fault.Usage, "add --new-key, and name another token with --token", errors.New("a root is never certified again: another root is another key on another token"))
	}
	if o.Ceremony == "" {
		return next, fault.New(fault.Usage, "name the ceremony that makes it with --ceremony", errors.New("a root is made in a ceremony"))
	}
	subject := d.Plan.Authorities[plan.RootAuthority].Subject
	if subject.CommonName += fmt.Sprintf(" %d", next.Generation); o.Subject != "" {
		subject.CommonName = o.Subject
	}
	next.Ceremony, next.Subject, next.Standby = o.Ceremony, &subject, o.Standby
	return next, nil
}

// cutOver refuses a name of which two generations are in use: with a third, no
// trusted root could be built.
func cutOver(d *trustdir.Dir, name string) error {
	g := d.State.Windows(name)
	if len(g) < 2 || g[len(g)-1].End != nil || honours(g[len(g)-1]) == "" {
		return nil
	}
	older, newer := g[len(g)-2], g[len(g)-1]
	if older.End != nil {
		return nil
	}
	return fault.New(fault.Usage, "record when the service was seen to use the newer key: trustroot cutover "+name+" --at TIME; nothing was changed",
		fmt.Errorf("generation %d is still open beside generation %d: the cutover to generation %d is missing", older.Number, newer.Number, newer.Number))
}

// inLedger counts the generations that the ledger has. An application's keys
// need not be there.
func inLedger(d *trustdir.Dir, name string) int {
	n := len(d.State.All(name))
	if kind, planned := d.Plan.Generations(name); kind == "apps" {
		return max(n, len(planned))
	}
	return n
}

// WritePlan puts a plan in place of the one that was read. A plan that was
// edited meanwhile is refused.
func WritePlan(d *trustdir.Dir, text []byte) error {
	path := d.Join(trustdir.PlanFile)
	now, err := courier.ReadFile(path, courier.MaxFile)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	if !bytes.Equal(now, d.PlanBytes) {
		return fault.New(fault.Failure, "run the command again: it then works on the plan as it is now", fmt.Errorf("%s was changed meanwhile; nothing was written", path))
	}
	return durable.Replace(path, text, 0o644)
}
