package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Prometheus writes the status in the text exposition format, for the node
// exporter's textfile collector. Times are in seconds since 1970, UTC.
func (s *Status) Prometheus() string {
	var b strings.Builder
	metric := func(name, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	}
	metric("trustroot_expiry_timestamp_seconds", "Last instant at which a certificate, a window or a TUF role is valid.")
	for _, i := range s.Items {
		if i.Expires != nil {
			b.WriteString(sample("trustroot_expiry_timestamp_seconds", i, *i.Expires))
		}
	}
	metric("trustroot_sign_from_timestamp_seconds", "Instant from which a TUF role should be signed again.")
	for _, i := range s.Items {
		if i.SignFrom != nil {
			b.WriteString(sample("trustroot_sign_from_timestamp_seconds", i, *i.SignFrom))
		}
	}
	metric("trustroot_warnings", "Warnings of trustroot status.")
	fmt.Fprintf(&b, "trustroot_warnings %d\n", len(s.Warnings))
	metric("trustroot_ledger_entries", "Lines of the ledger.")
	fmt.Fprintf(&b, "trustroot_ledger_entries %d\n", s.Entries)
	metric("trustroot_status_timestamp_seconds", "When this status was made.")
	fmt.Fprintf(&b, "trustroot_status_timestamp_seconds %d\n", s.At.Unix())
	return b.String()
}

func sample(metric string, i Item, t time.Time) string {
	return fmt.Sprintf("%s{kind=%s,name=%s,generation=\"%d\",replaced=\"%t\"} %d\n",
		metric, label(i.Kind), label(i.Name), i.Generation, i.Replaced, t.Unix())
}

// label quotes a label value: backslash, quote and newline are escaped, as the
// format asks.
func label(s string) string { return strconv.Quote(s) }
