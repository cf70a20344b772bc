package trustedroot

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
)

// trustedRoot judges the content of a trusted root.
func trustedRoot(l *linter, msg *prototrustroot.TrustedRoot) {
	if got := msg.GetMediaType(); got != MediaType {
		l.add(ruleMediaType, "$.mediaType", fmt.Sprintf("The media type is %q", got), fmt.Sprintf("Write %q: every client reads it", MediaType))
	}
	for _, role := range []struct {
		name, what string
		n          int
	}{
		{"tlogs", "Rekor log", len(msg.GetTlogs())},
		{"certificateAuthorities", "Fulcio CA", len(msg.GetCertificateAuthorities())},
		{"ctlogs", "CT log", len(msg.GetCtlogs())},
	} {
		if role.n == 0 {
			r := ruleRoleEmpty
			if role.name == "tlogs" && len(msg.GetTimestampAuthorities()) == 0 {
				r.severity = Error // nothing proves a time: nothing verifies
			}
			l.add(r, "$."+role.name, fmt.Sprintf("There is no %s", role.what), fmt.Sprintf("Add the %s that this instance has had, every generation", role.what))
		}
	}
	if len(msg.GetTimestampAuthorities()) == 0 {
		l.add(ruleNoTSA, "$.timestampAuthorities", "There is no timestamp authority: entries of Rekor v2 carry no signed time, so nothing proves when a certificate was used",
			"Add the TSA, or stay with Rekor v1")
	}
	keys := keysSeen{}
	tlogs := logs(l, "tlogs", msg.GetTlogs(), true, keys)
	ctlogs := logs(l, "ctlogs", msg.GetCtlogs(), false, keys)
	cas := authorities(l, "certificateAuthorities", msg.GetCertificateAuthorities(), l.fulcioChain)
	tsas := authorities(l, "timestampAuthorities", msg.GetTimestampAuthorities(), l.tsaChain)
	windows(l, "tlogs", "Rekor log", tlogs, true)
	windows(l, "ctlogs", "CT log", ctlogs, false)
	windows(l, "certificateAuthorities", "Fulcio CA", cas, false)
	windows(l, "timestampAuthorities", "timestamp authority", tsas, false)
	mixes(l, newView(msg, l.options.At).Mixes)
	publicParts(l, msg)
}

// mixes reports the time in which services of one instance are at different
// generations, as one finding: it is one renewal that was not one.
func mixes(l *linter, mixes []Period) {
	if len(mixes) == 0 {
		return
	}
	from, to := mixes[0].From, mixes[0].To
	for _, m := range mixes {
		from = earlier(from, m.From)
		if m.To.After(to) {
			to = m.To
		}
	}
	r := settled(l, ruleMix, to)
	if len(l.options.Compromised) > 0 {
		r.severity = Info // a compromise closes a window at once, and alone
	}
	l.add(r, "$", fmt.Sprintf("From %s to %s services are at different generations: %s", stamp(from), stamp(to), mixes[0].Text),
		"Next time leave every older window open until all services have switched; the show command lists each mix")
}

// settled lowers to a note what nobody can repair any more: the time that it
// speaks of has passed.
func settled(l *linter, r rule, until time.Time) rule {
	if at := l.options.At; !at.IsZero() && until.Before(at) {
		r.severity = Info
	}
	return r
}

// publicParts reports a file that takes some roles from the public Sigstore and
// others not. Including its whole trusted root is a choice; single entries are
// what a copied example leaves behind.
func publicParts(l *linter, msg *prototrustroot.TrustedRoot) {
	var with, without []string
	var first string
	role := func(name string, n int, at func(i int) string) {
		if n == 0 {
			return
		}
		for i := range n {
			if isPublic(at(i)) {
				with = append(with, name)
				if first == "" {
					first = fmt.Sprintf("$.%s[%d]", name, i)
				}
				return
			}
		}
		without = append(without, name)
	}
	role("tlogs", len(msg.Tlogs), func(i int) string { return msg.Tlogs[i].GetBaseUrl() })
	role("certificateAuthorities", len(msg.CertificateAuthorities), func(i int) string { return msg.CertificateAuthorities[i].GetUri() })
	role("ctlogs", len(msg.Ctlogs), func(i int) string { return msg.Ctlogs[i].GetBaseUrl() })
	if len(with) > 0 && len(without) > 0 {
		l.add(rulePublicPart, first, fmt.Sprintf("The public Sigstore stands in %s but not in %s", strings.Join(with, ", "), strings.Join(without, ", ")),
			"Remove what is left of the public instance, or include its whole trusted root")
	}
}

// isPublic reports whether a URL is of the public Sigstore, its staging
// instance included.
func isPublic(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host := "." + strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".sigstore.dev") || strings.HasSuffix(host, ".sigstage.dev")
}
