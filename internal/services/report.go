package services

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/metrics"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// Report is what the running services answered.
type Report struct {
	At       time.Time `json:"at"`
	Answers  []Answer  `json:"answers"` // services by name, the repository, then copies
	Findings []Finding `json:"findings"`
}

// Answer is one place that was asked.
type Answer struct {
	Name    string `json:"name"`           // of the service in the plan, or a copy's place
	Program string `json:"program"`        // Fulcio, TSA, Rekor, TesseraCT, TUF, Place or Copy
	URL     string `json:"url"`            // that was asked
	Read    string `json:"read,omitempty"` // where a log's checkpoint was found
	Up      bool   `json:"up"`             // everything that was asked was answered
	// Generation is the one that the service is on, 0 where no answer showed it;
	// Newest is the ledger's.
	Generation int       `json:"generation,omitempty"`
	Newest     int       `json:"newest,omitempty"`
	Expires    []Expiry  `json:"expires,omitempty"`
	Size       *uint64   `json:"size,omitempty"`           // entries of a log
	Witnesses  int       `json:"witnesses,omitempty"`      // that cosigned a log's newest checkpoint
	Cosigned   time.Time `json:"cosigned,omitzero"`        // when the newest of them did
	Offset     *float64  `json:"offset_seconds,omitempty"` // of a timestamp server's clock from this machine's
	Verdict    Verdict   `json:"verdict"`
}

// Expiry is the last instant at which something that was served is valid.
type Expiry struct {
	Of string    `json:"of"` // "certificate", or a role of the repository
	At time.Time `json:"at"`
}

// Verdict says in a word what came of asking.
type Verdict string

// Verdicts, from good to bad.
const (
	Agrees   Verdict = "agrees"
	NoAnswer Verdict = "no answer" // some of it was not answered, and no answer was wrong
	Differs  Verdict = "mismatch"
)

// The severities of a check.
const (
	Mismatch   = finding.Error   // an answer that plan or ledger contradict
	Unanswered = finding.Unknown // a question that nobody answered: no pass
	Notice     = finding.Info    // worth knowing
)

// Finding is one thing that a check found; its place is the name in Answer,
// empty for what concerns several.
type Finding struct {
	finding.Finding
	Program string `json:"-"` // as in Answer: a copy may be called like a service
}

func find(q *inquiry, severity finding.Severity, id, repair, format string, args ...any) {
	name, hide := q.Name, strings.NewReplacer(q.URL, shown(q.URL))
	if q.Program == Copy {
		name = shown(name)
	}
	if q.URL == "" {
		hide = strings.NewReplacer()
	}
	q.findings = append(q.findings, Finding{Program: q.Program, Finding: finding.Finding{ID: id, Severity: severity, Place: name,
		Text: printable(hide.Replace(fmt.Sprintf(format, args...))), Repair: hide.Replace(repair)}})
}

func (q *inquiry) mismatch(id, repair, format string, args ...any) {
	find(q, Mismatch, id, repair, format, args...)
}

func unanswered(q *inquiry, id, repair, format string, args ...any) {
	find(q, Unanswered, id, repair, format, args...)
}

func (q *inquiry) notice(id, repair, format string, args ...any) {
	find(q, Notice, id, repair, format, args...)
}

// report joins what was found, and what only all answers together show.
func report(s *Source, inquiries []*inquiry) *Report {
	r := &Report{At: s.Now, Answers: []Answer{}, Findings: []Finding{}}
	checkPublished(s, inquiries)
	checkBuilt(s, inquiries)
	for _, q := range inquiries {
		q.Up, q.Verdict = true, Agrees
		for _, f := range q.findings {
			switch f.Severity {
			case Unanswered:
				q.Up = false
				q.Verdict = cmp.Or(map[Verdict]Verdict{Differs: Differs}[q.Verdict], NoAnswer)
			case Mismatch:
				q.Verdict = Differs
			default: // what is only said leaves the verdict as it is
			}
		}
		answer := q.Answer
		if answer.URL = shown(answer.URL); answer.Program == Copy {
			answer.Name = shown(answer.Name)
		}
		r.Answers = append(r.Answers, answer)
		r.Findings = append(r.Findings, q.findings...)
	}
	r.Findings = append(r.Findings, mixed(inquiries)...)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return finding.Compare(a.Finding, b.Finding) })
	return r
}

// AddPlace adds a place of the repository, which was read and held against the
// trust directory's own copy elsewhere. text and repair say what is wrong with
// it.
func (r *Report) AddPlace(name string, verdict Verdict, text, repair string) {
	r.Answers = append(r.Answers, Answer{Name: name, Program: Place, URL: name, Up: verdict != NoAnswer, Verdict: verdict})
	severity := map[Verdict]finding.Severity{NoAnswer: Unanswered, Differs: Mismatch}[verdict]
	if severity == "" {
		return
	}
	r.Findings = append(r.Findings, Finding{Program: Place, Finding: finding.Finding{ID: "place", Severity: severity, Place: name, Text: printable(text), Repair: repair}})
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return finding.Compare(a.Finding, b.Finding) })
}

// Err is nil when everything was answered and agrees. It carries
// fault.Verification where something differs, and else fault.Failure: a check
// that could not be made is not a pass.
func (r *Report) Err() error {
	mismatches, silent := r.names(Mismatch), r.names(Unanswered)
	var problems []error
	if len(mismatches) > 0 {
		problems = append(problems, fmt.Errorf("not as plan and ledger say: %s", strings.Join(mismatches, ", ")))
	}
	if len(silent) > 0 {
		problems = append(problems, fmt.Errorf("not all was answered: %s", strings.Join(silent, ", ")))
	}
	code := fault.Failure
	if len(mismatches) > 0 {
		code = fault.Verification
	}
	if err := errors.Join(problems...); err != nil {
		return fault.New(code, "each finding says how to repair it", err)
	}
	return nil
}

// names lists who has a finding of a severity, each once.
func (r *Report) names(severity finding.Severity) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Severity == severity && !slices.Contains(out, f.Place) {
			out = append(out, f.Place)
		}
	}
	return out
}

// Prometheus writes the report in the text exposition format, for the node
// exporter's textfile collector. Times are in seconds since 1970, UTC.
func (r *Report) Prometheus() string {
	var text metrics.Text
	up := text.Gauge("trustroot_service_up", "Whether everything that was asked of a service, the repository or a copy was answered.")
	mismatches := text.Gauge("trustroot_service_mismatch", "Answers that plan or ledger contradict.")
	on := text.Gauge("trustroot_service_generation", "Generation that a service is on; 0 where no answer showed it.")
	newest := text.Gauge("trustroot_service_newest_generation", "Newest generation of a service in the ledger.")
	expiry := text.Gauge("trustroot_service_expiry_timestamp_seconds", "Last instant at which a served certificate or TUF role is valid.")
	size := text.Gauge("trustroot_log_entries", "Entries of a log by its signed checkpoint.")
	offset := text.Gauge("trustroot_timestamp_offset_seconds", "Clock of a timestamp server less this machine's.")
	at := text.Gauge("trustroot_services_check_timestamp_seconds", "When this check was made.")
	for _, a := range r.Answers {
		labels := []string{"service", a.Name, "program", a.Program}
		up(map[bool]int{true: 1}[a.Up], append(labels, "url", shown(a.URL))...)
		mismatches(r.count(a, Mismatch), labels...)
		if a.Newest > 0 {
			on(a.Generation, labels...)
			newest(a.Newest, labels...)
		}
		for _, e := range a.Expires {
			expiry(e.At.Unix(), append(labels, "of", e.Of)...)
		}
		if a.Size != nil {
			size(*a.Size, labels...)
		}
		if a.Offset != nil {
			offset(*a.Offset, labels...)
		}
	}
	at(r.At.Unix())
	return text.String()
}

// count is how many findings of a severity concern who was asked.
func (r *Report) count(a Answer, severity finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Place == a.Name && f.Program == a.Program && f.Severity == severity {
			n++
		}
	}
	return n
}
