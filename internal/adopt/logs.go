package adopt

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// adoptedLog is one log and its keys, ascending by start.
type adoptedLog struct {
	Log
	keys []adoptedLogKey
}

type adoptedLogKey struct {
	key   *ecdsa.PublicKey
	spki  string
	start time.Time
}

// groupLogs takes the logs of the trusted root, and of the keys on file those
// that an answer assigns to a log.
func groupLogs(a *Adoption, in *adopted) error {
	var errs []error
	taken := map[string]bool{}
	for _, g := range a.authorities {
		taken[g.name] = true
	}
	if a.old != nil {
		for _, e := range a.old.entries {
			if e.key != nil {
				errs = append(errs, oldLogKey(a, e, taken))
			}
		}
	}
	for _, k := range in.keys {
		if a.old.entryOf(k.spki) != nil || isCertified(a, k.spki) {
			continue
		}
		l, ok := askLog(a, k)
		if !ok {
			continue
		}
		pub, err := checkpoint.New(l.Kind, l.Origin, k.key)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k.where, err))
			continue
		}
		addLogKey(a, l, adoptedLogKey{key: pub.Public, spki: k.spki})
	}
	for _, l := range a.logs {
		orderLog(a, l)
	}
	return errors.Join(errs...)
}

// askLog asks of which log a key on file is.
func askLog(a *Adoption, k adoptedKey) (Log, bool) {
	answer, ok := ask(a, Question{
		ID: "log." + k.spki, Default: "none", Form: "NAME,KIND,ORIGIN,URL (KIND is rekor-v2 or static-ct), or none to leave the key out",
		Text:  fmt.Sprintf("%s holds a key that no trusted root and no certificate names. Of which log is it?", k.where),
		Wrong: "verifiers take a foreign key for your log's",
	})
	if !ok || answer == "none" {
		return Log{}, false
	}
	parts := strings.Split(answer, ",")
	if len(parts) != 4 {
		refuse(a, "log."+k.spki, "%q has %d parts: write NAME,KIND,ORIGIN,URL", answer, len(parts))
		return Log{}, false
	}
	return Log{parts[0], parts[1], parts[2], normalURL(parts[3])}, true
}

func oldLogKey(a *Adoption, e oldEntry, taken map[string]bool) error {
	kind := map[string]string{"tlogs": plan.RekorV2, "ctlogs": plan.StaticCT}[e.list]
	origin, err := originOf(kind, e.uri)
	if err != nil {
		return fmt.Errorf("%s: baseUrl: %w", e.path, err)
	}
	key, err := checkpoint.New(kind, origin, e.key)
	if err != nil {
		return fmt.Errorf("%s: %w", e.path, err)
	}
	l := Log{Kind: kind, Origin: origin, URL: normalURL(e.uri)}
	for _, have := range a.logs {
		if have.Kind == kind && have.URL == l.URL {
			l.Name = have.Name
		}
	}
	if l.Name == "" {
		l.Name = freeName(logName(e.uri), taken)
	}
	k := adoptedLogKey{key: key.Public, spki: e.id}
	if e.start != nil {
		k.start = e.start.UTC().Truncate(time.Second)
	}
	addLogKey(a, l, k)
	return nil
}

var nameless = regexp.MustCompile(`[^a-z0-9-]+`)

// logName is the first label of the log's host.
func logName(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return "log"
	}
	label, _, _ := strings.Cut(strings.ToLower(u.Hostname()), ".")
	if name := strings.Trim(nameless.ReplaceAllString(label, "-"), "-"); name != "" {
		return name
	}
	return "log"
}

func addLogKey(a *Adoption, l Log, k adoptedLogKey) {
	for _, have := range a.logs {
		if have.Name == l.Name {
			have.keys = append(have.keys, k)
			return
		}
	}
	a.logs = append(a.logs, &adoptedLog{Log: l, keys: []adoptedLogKey{k}})
}

// orderLog numbers the keys by their start and asks for those that have none.
func orderLog(a *Adoption, l *adoptedLog) {
	slices.SortStableFunc(l.keys, func(x, y adoptedLogKey) int {
		if x.start.IsZero() != y.start.IsZero() {
			return y.start.Compare(x.start) // one without comes last
		}
		return x.start.Compare(y.start)
	})
	for i := range l.keys {
		if l.keys[i].start.IsZero() {
			at, ok := askInstant(a, Question{
				ID: "start." + key(l.Name, i+1), Form: "a time",
				Text:  fmt.Sprintf("When did the log %s begin to sign with its key %s?", l.Name, trustdir.Groups(l.keys[i].spki)),
				Wrong: "too late, and verifiers reject what the key signed before",
			})
			if !ok {
				continue
			}
			l.keys[i].start = at
		}
		a.found("%s: %s, origin %s, log ID %s, from %s", trustdir.GenerationName(l.Name, i+1), l.Kind, l.Origin, trustdir.Groups(l.keys[i].spki), trustdir.Stamp(l.keys[i].start))
	}
}

// isCertified reports whether a key is that of a certificate.
func isCertified(a *Adoption, spki string) bool {
	for _, g := range a.authorities {
		for _, c := range g.generations {
			if digest.Hex(c.RawSubjectPublicKeyInfo) == spki {
				return true
			}
		}
	}
	return false
}

// linterOnce is made at first use: its rules are many.
var linterOnce = sync.OnceValue(lint.New)
