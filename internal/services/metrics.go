package services

import (
	"github.com/linnemanlabs/trustroot/internal/metrics"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

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
