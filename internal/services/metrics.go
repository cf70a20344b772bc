package services

import (
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// metric is a family of samples in the text exposition format.
type metric struct {
	name, help string
	lines      []string
}

func (m *metric) add(value any, labels ...string) {
	var b strings.Builder
	b.WriteString(m.name)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		fmt.Fprintf(&b, "%s%s=%s", separator, labels[i], label(labels[i+1]))
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	fmt.Fprintf(&b, " %v\n", value)
	m.lines = append(m.lines, b.String())
}

// label quotes a label's value: the format escapes backslash, quote and line
// feed, and nothing else.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD")) + `"`
}

// Prometheus writes the report in the text exposition format, for the node
// exporter's textfile collector. Times are in seconds since 1970, UTC.
func (r *Report) Prometheus() string {
	up := &metric{name: "trustroot_service_up", help: "Whether everything that was asked of a service, the repository or a copy was answered."}
	mismatches := &metric{name: "trustroot_service_mismatch", help: "Answers that plan or ledger contradict."}
	on := &metric{name: "trustroot_service_generation", help: "Generation that a service is on; 0 where no answer showed it."}
	newest := &metric{name: "trustroot_service_newest_generation", help: "Newest generation of a service in the ledger."}
	expiry := &metric{name: "trustroot_service_expiry_timestamp_seconds", help: "Last instant at which a served certificate or TUF role is valid."}
	size := &metric{name: "trustroot_log_entries", help: "Entries of a log by its signed checkpoint."}
	offset := &metric{name: "trustroot_timestamp_offset_seconds", help: "Clock of a timestamp server less this machine's."}
	at := &metric{name: "trustroot_services_check_timestamp_seconds", help: "When this check was made."}
	for _, a := range r.Answers {
		labels := []string{"service", a.Name, "program", a.Program}
		up.add(map[bool]int{true: 1}[a.Up], append(labels, "url", shown(a.URL))...)
		mismatches.add(r.count(a, Mismatch), labels...)
		if a.Newest > 0 {
			on.add(a.Generation, labels...)
			newest.add(a.Newest, labels...)
		}
		for _, e := range a.Expires {
			expiry.add(e.At.Unix(), append(labels, "of", e.Of)...)
		}
		if a.Size != nil {
			size.add(*a.Size, labels...)
		}
		if a.Offset != nil {
			offset.add(*a.Offset, labels...)
		}
	}
	at.add(r.At.Unix())
	var b strings.Builder
	for _, m := range []*metric{up, mismatches, on, newest, expiry, size, offset, at} {
		if len(m.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		for _, line := range m.lines {
			b.WriteString(line)
		}
	}
	return b.String()
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
