package status

import (
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/metrics"
)

// Prometheus writes the status in the text exposition format, for the node
// exporter's textfile collector. Times are in seconds since 1970, UTC.
func (s *Status) Prometheus() string {
	var text metrics.Text
	labels := func(i Item) []string {
		return []string{"kind", i.Kind, "name", i.Name, "generation", strconv.Itoa(i.Generation), "replaced", strconv.FormatBool(i.Replaced)}
	}
	expiry := text.Gauge("trustroot_expiry_timestamp_seconds", "Last instant at which a certificate, a window or a TUF role is valid.")
	from := text.Gauge("trustroot_sign_from_timestamp_seconds", "Instant from which a TUF role should be signed again.")
	for _, i := range s.Items {
		if i.Expires != nil {
			expiry(i.Expires.Unix(), labels(i)...)
		}
		if i.SignFrom != nil {
			from(i.SignFrom.Unix(), labels(i)...)
		}
	}
	text.Gauge("trustroot_warnings", "Warnings of trustroot status.")(len(s.Warnings))
	text.Gauge("trustroot_ledger_entries", "Lines of the ledger.")(s.Entries)
	text.Gauge("trustroot_status_timestamp_seconds", "When this status was made.")(s.At.Unix())
	return text.String()
}
