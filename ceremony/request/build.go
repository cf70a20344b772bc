package request

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// builder holds an input against itself and gathers every problem.
type builder struct {
	in       Input
	plan     *plan.Plan
	ledger   *ledger.State
	request  *Request
	used     map[string]bool   // files that something speaks of
	owners   map[string]string // SPKI SHA-256 → whose key it is
	problems []error
}

// add notes a problem and the way out of it.
func (b *builder) add(hint, format string, args ...any) {
	b.problems = append(b.problems, fault.New(fault.Verification, hint, fmt.Errorf(format, args...)))
}

// build checks everything an input says and returns the request that it makes,
// with its manifest and all its files. The error joins every problem.
func build(in Input) (*Request, error) {
	p, planErr := plan.Parse(PlanFile, in.Plan)
	state, ledgerErr := readLedger(in.Ledger)
	if err := errors.Join(planErr, ledgerErr); err != nil {
		return nil, err
	}
	b := &builder{in: in, plan: p, ledger: state, used: map[string]bool{}, owners: map[string]string{}}
	b.request = &Request{
		Plan: p, PlanBytes: in.Plan, Ledger: state, LedgerBytes: in.Ledger,
		Manifest: Manifest{
			Version:       Version,
			Sequence:      in.Sequence,
			Ceremony:      in.Ceremony,
			Organization:  p.Organization,
			Created:       in.Created.UTC().Truncate(24 * time.Hour),
			LedgerHead:    state.Head,
			LedgerEntries: state.Entries,
			Items:         []ManifestItem{},
		},
	}
	b.checkHead()
	b.owned()
	b.root()
	b.crl()
	b.destroy()
	b.items()
	b.extra()
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	return b.finish()
}

// readLedger reads the ledger's lines into what they add up to. An incomplete
// last line, which a live ledger may end with after a crash, has no place in a
// request.
func readLedger(data []byte) (*ledger.State, error) {
	l, err := ledger.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", LedgerFile, err)
	}
	if n := len(l.Torn()); n > 0 {
		return nil, fault.New(fault.Verification, hintRestore, fmt.Errorf("%s: %d bytes follow the last whole line", LedgerFile, n))
	}
	return l.State(), nil
}

// wholeLines leaves out what a crash left behind a ledger's last whole line.
func wholeLines(data []byte) []byte {
	l, err := ledger.Parse(data)
	if err != nil {
		return data // build says why
	}
	return data[:len(data)-len(l.Torn())]
}

// checkHead holds ceremony, number and organization against plan and ledger.
func (b *builder) checkHead() {
	m := b.request.Manifest
	if _, ok := b.plan.Ceremonies[m.Ceremony]; !ok || !ceremonyForm.MatchString(m.Ceremony) {
		b.add("name a ceremony of the plan", "the plan has no ceremony %s", courier.Quote(m.Ceremony))
	}
	if want := b.ledger.Sequence + 1; m.Sequence != want {
		b.add("make the request again over the present ledger", "the request's number is %d, after %d in the ledger it must be %d", m.Sequence, b.ledger.Sequence, want)
	}
	if m.Sequence > maxSequence {
		b.add("start a new trust directory", "the request's number %d has more than four digits", m.Sequence)
	}
	b.checkCreated()
	if b.ledger.Organization != b.plan.Organization {
		b.add("take plan and ledger from one trust directory", "the plan is %q's, the ledger is %q's", b.plan.Organization, b.ledger.Organization)
	}
	if b.ledger.Rehearsal != (b.plan.Rehearsal != nil) {
		b.add("take plan and ledger from one trust directory", "plan and ledger disagree on whether this is a rehearsal")
	}
}

// requestDays is how long before its ceremony a request may be made.
const requestDays = 90

// checkCreated wants the day of making within the days before the ceremony's.
// It is a whole day: what need not vary is not the maker's to choose.
func (b *builder) checkCreated() {
	created := b.request.Manifest.Created
	day, err := time.Parse(time.DateOnly, b.plan.Ceremonies[b.request.Manifest.Ceremony].Day)
	if err == nil && (created.After(day) || created.Before(day.AddDate(0, 0, -requestDays))) {
		b.add("make the request on the ceremony's day or up to "+fmt.Sprint(requestDays)+" days before it, or correct the day in the plan, and check this machine's clock",
			"the request was made on %s, the ceremony's day is %s", created.Format(time.DateOnly), day.Format(time.DateOnly))
	}
}

// owned notes whose keys the ledger knows: no key may serve two.
func (b *builder) owned() {
	for name, generations := range b.ledger.Authorities {
		for _, g := range generations {
			b.owners[g.Certificate.SPKISHA256] = "authority " + name
		}
	}
	for name, generations := range b.ledger.Logs {
		for _, g := range generations {
			b.owners[g.Log.LogID] = "log " + name
		}
	}
	for name, generations := range b.ledger.Apps {
		for _, g := range generations {
			b.owners[g.App.SPKISHA256] = "application " + name
		}
	}
}

// authorities lists those of the plan, the root first.
func (b *builder) authorities() []string {
	names := slices.Sorted(maps.Keys(b.plan.Authorities))
	return slices.Concat(
		slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n != plan.RootAuthority }),
		slices.DeleteFunc(names, func(n string) bool { return n == plan.RootAuthority }),
	)
}

// items resolves every certificate that the plan gives to this ceremony.
func (b *builder) items() {
	for _, name := range b.authorities() {
		a := b.plan.Authorities[name]
		for _, g := range a.Generations {
			if g.Ceremony == b.in.Ceremony {
				b.item(name, a, g)
			}
		}
	}
	if m := b.request.Manifest; len(m.Items) == 0 && !m.Destroy && m.CRL == nil {
		b.add("name another ceremony, or give one of the plan's generations to this one",
			"the plan gives no certificate to ceremony %s", courier.Quote(b.in.Ceremony))
	}
	for _, name := range b.in.External {
		known := slices.ContainsFunc(b.request.Items, func(i Item) bool { return i.Authority == name && i.Source == SourceExternal })
		if !known {
			b.add("write key: external in the plan, or leave the file out",
				"a request from a file was given for %s, whose key the plan does not call external", courier.Quote(name))
		}
	}
}

// extra names the files that nothing speaks of.
func (b *builder) extra() {
	for _, name := range courier.Names(b.in.Files) {
		if !b.used[name] {
			b.add("take it out and make the request again", "%s: an extra file, nothing in this ceremony speaks of it", courier.Quote(name))
		}
	}
}

// file returns a file and notes that something speaks of it.
func (b *builder) file(name, hint string) ([]byte, bool) {
	b.used[name] = true
	data, ok := b.in.Files[name]
	if !ok {
		b.add(hint, "%s: missing", courier.Quote(name))
	}
	return data, ok
}

// finish writes the manifest and the sums.
func (b *builder) finish() (*Request, error) {
	r := b.request
	files := maps.Clone(b.in.Files)
	if files == nil {
		files = map[string][]byte{}
	}
	manifest, err := r.Manifest.encode()
	if err != nil {
		return nil, err
	}
	files[ManifestFile], files[PlanFile], files[LedgerFile] = manifest, b.in.Plan, b.in.Ledger
	files[SumsFile] = courier.Sums(files)
	if err := limits.Check(files); err != nil {
		return nil, fault.New(fault.Verification, "make a smaller request: split the ceremony", err)
	}
	r.Files = files
	return r, nil
}
