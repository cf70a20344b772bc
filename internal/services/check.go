package services

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// What a check asks beside the programs.
const (
	TUF   = "tuf"   // the published repository; also its name
	Copy  = "copy"  // a trusted_root.json that somebody serves or keeps
	Place = "place" // a folder or bucket that the repository is published to
)

// ask is how long one answer may take where Options do not say.
const ask = 10 * time.Second

// Options say whom a check asks.
type Options struct {
	// Names are the services to ask, TUF among them; empty means all.
	Names []string
	// URLs are asked in place of the plan's, by name.
	URLs map[string]string
	// Reads are where a log's checkpoint is served, a URL or a folder by name,
	// for logs whose server takes entries only.
	Reads map[string]string
	// Copies of trusted_root.json are URLs and files.
	Copies []string
	// Timeout is that of one answer; zero means 10 seconds.
	Timeout time.Duration
	// Transport replaces http.DefaultTransport; nil for that.
	Transport http.RoundTripper
}

// Check asks the running services, the published repository and copies of
// trusted_root.json, all at once, and holds their answers against plan and
// ledger. Nothing is written but one request to each timestamp server.
//
// The error is of the options; what was found is in the report, and
// Report.Err says whether it is good.
func (s *Source) Check(ctx context.Context, o Options) (*Report, error) {
	names, err := chosen(s, o)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = ask
	}
	w := newWeb(o)
	defer w.client.CloseIdleConnections()
	started := time.Now()
	var inquiries []*inquiry
	for _, name := range names {
		inquiries = append(inquiries, newInquiry(s, w, o, name, started))
	}
	known, err := known(s)
	if err != nil {
		return nil, fault.New(fault.Verification, "restore the files of the trust directory: `trustroot ledger verify` names them all", err)
	}
	for _, place := range slices.Compact(slices.Sorted(slices.Values(o.Copies))) {
		inquiries = append(inquiries, &inquiry{source: s, web: w, started: started, Answer: Answer{Name: place, Program: Copy, URL: place}})
	}
	var all sync.WaitGroup
	for _, q := range inquiries {
		q.known = known
		all.Go(func() { q.ask(ctx) })
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fault.New(fault.Stopped, "nothing was changed", err)
	}
	return report(s, inquiries), nil
}

// chosen returns the names to ask, and refuses options that speak of others.
func chosen(s *Source, o Options) ([]string, error) {
	all := Names(s.Plan)
	if s.Plan.TUF != nil && !slices.Contains(all, TUF) {
		all = append(all, TUF)
	}
	var problems []error
	check := func(name string) {
		if !slices.Contains(all, name) {
			problems = append(problems, fmt.Errorf("the plan has no %q to ask; it has %s", name, strings.Join(all, ", ")))
		}
	}
	for _, name := range o.Names {
		check(name)
	}
	for _, name := range slices.Sorted(maps.Keys(o.URLs)) {
		check(name)
		if u, err := url.Parse(o.URLs[name]); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			problems = append(problems, fmt.Errorf("%q for %s is not an http or https URL", o.URLs[name], name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Reads)) {
		if _, ok := s.Plan.Logs[name]; !ok {
			problems = append(problems, fmt.Errorf("%q is not a log of the plan: only logs serve checkpoints", name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fault.New(fault.Usage, "name services as the plan does", err)
	}
	if len(all)+len(o.Copies) == 0 {
		return nil, fault.New(fault.Usage, "name a copy with --copy, or write services and tuf into the plan", errors.New("the plan has nothing to ask"))
	}
	if len(o.Names) > 0 {
		names := slices.Clone(o.Names)
		slices.Sort(names)
		return slices.Compact(names), nil
	}
	return all, nil
}

// inquiry is one place that is asked, and what came of it.
type inquiry struct {
	Answer
	source      *Source
	web         *web
	started     time.Time // of the check, on the monotonic clock
	generations []ledger.Generation
	known       map[string]keyOf
	readFrom    string // where a log's checkpoint is served
	findings    []Finding
	away        bool // nobody is at its URL: what is left to ask would only wait again

	raw       string // what of it must be published: base64 of a certificate or public key
	published string // trusted_root.json as the repository has it, in sigstore-go's form
}

func newInquiry(s *Source, w *web, o Options, name string, started time.Time) *inquiry {
	q := &inquiry{source: s, web: w, started: started, readFrom: o.Reads[name], Answer: Answer{Name: name}}
	switch q.Program, q.generations = programOf(s.Plan, name), s.generations(name); q.Program {
	case "":
		q.Program, q.URL = TUF, s.Plan.TUF.URL
	case Rekor, TesseraCT:
		q.URL = s.Plan.Logs[name].URL
	default:
		q.URL = s.Plan.Authorities[name].URL
	}
	if other := o.URLs[name]; other != "" {
		q.URL = other
	}
	q.URL = strings.TrimSuffix(q.URL, "/")
	if g := ledger.Newest(q.generations); g != nil {
		q.Newest = g.Number
	}
	return q
}

func (q *inquiry) ask(ctx context.Context) {
	switch {
	case q.URL == "":
		unanswered(q, "no-url", "write it into the plan, or give it with --url "+q.Name+"=URL", "the plan names no URL to ask it at")
		return
	case q.Program == Copy:
		askCopy(ctx, q)
		return
	case q.Program == TUF:
		askTUF(ctx, q)
		return
	case len(q.generations) == 0:
		q.mismatch("not-in-ledger", "finish its ceremony, or `trustroot log add` for a log", "the ledger has no generation of it to hold an answer against")
		return
	}
	switch q.Program {
	case Fulcio:
		askFulcio(ctx, q)
	case TSA:
		askTSA(ctx, q)
	case Rekor:
		askRekorServer(ctx, q)
	case TesseraCT:
		askTesseraCT(ctx, q)
	}
	checkRenewal(q)
}

// generation returns one of the ledger's, or nil.
func (q *inquiry) generation(number int) *ledger.Generation {
	for i := range q.generations {
		if q.generations[i].Number == number {
			return &q.generations[i]
		}
	}
	return nil
}
