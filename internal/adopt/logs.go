package adopt

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/pattern"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/lint"
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
func (a *Adoption) groupLogs(in *adopted) error {
	var errs []error
	taken := map[string]bool{}
	for _, g := range a.authorities {
		taken[g.name] = true
	}
	if a.old != nil {
		for _, e := range a.old.entries {
			if e.key != nil {
				errs = append(errs, a.oldLogKey(e, taken))
			}
		}
	}
	for _, k := range in.keys {
		if a.old.entryOf(k.spki) != nil || a.isCertified(k.spki) {
			continue
		}
		l, told := a.options.Logs[k.spki]
		if !told {
			a.ask("--log "+k.spki+"=NAME,KIND,ORIGIN,URL (KIND rekor-v2 or static-ct), or leave the file out",
				"%s holds a key that no trusted root and no certificate names: of which log is it?", k.where)
			continue
		}
		pub, err := checkpoint.New(l.Kind, l.Origin, k.key)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k.where, err))
			continue
		}
		a.addLogKey(l, adoptedLogKey{key: pub.Public, spki: k.spki})
	}
	for _, l := range a.logs {
		a.orderLog(l)
	}
	return errors.Join(errs...)
}

func (a *Adoption) oldLogKey(e oldEntry, taken map[string]bool) error {
	kind := kindOf(e.list)
	origin, err := originOf(kind, e.uri)
	if err != nil {
		return fmt.Errorf("%s: baseUrl: %w", e.path, err)
	}
	key, err := checkpoint.New(kind, origin, e.key)
	if err != nil {
		return fmt.Errorf("%s: %w", e.path, err)
	}
	l := Log{Kind: kind, Origin: origin, URL: e.uri}
	for _, have := range a.logs {
		if have.Kind == kind && have.URL == e.uri {
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
	a.addLogKey(l, k)
	return nil
}

var nameless = pattern.New(`[^a-z0-9-]+`)

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

func (a *Adoption) addLogKey(l Log, k adoptedLogKey) {
	for _, have := range a.logs {
		if have.Name == l.Name {
			have.keys = append(have.keys, k)
			return
		}
	}
	a.logs = append(a.logs, &adoptedLog{Log: l, keys: []adoptedLogKey{k}})
}

// orderLog numbers the keys by their start and asks for those that have none.
func (a *Adoption) orderLog(l *adoptedLog) {
	slices.SortStableFunc(l.keys, func(x, y adoptedLogKey) int {
		switch {
		case x.start.IsZero() && !y.start.IsZero():
			return 1
		case !x.start.IsZero() && y.start.IsZero():
			return -1
		}
		return x.start.Compare(y.start)
	})
	for i := range l.keys {
		id := fmt.Sprintf("%s:%d", l.Name, i+1)
		if start, told := a.options.Starts[id]; told {
			l.keys[i].start = start
		}
		if l.keys[i].start.IsZero() {
			a.ask("--start "+id+"=TIME", "when did the log %s begin to sign with its key %s?", l.Name, trustdir.Groups(l.keys[i].spki))
			continue
		}
		a.found("%s: %s, origin %s, log ID %s, from %s", trustdir.GenerationName(l.Name, i+1), l.Kind, l.Origin, trustdir.Groups(l.keys[i].spki), trustdir.Stamp(l.keys[i].start))
	}
}

// isCertified reports whether a key is that of a certificate.
func (a *Adoption) isCertified(spki string) bool {
	for _, g := range a.authorities {
		for _, c := range g.generations {
			if digest.Hex(c.RawSubjectPublicKeyInfo) == spki {
				return true
			}
		}
	}
	return false
}

// askCutovers wants to know of every generation but the first when it was
// seen in use: the file in use tells what its writer guessed.
func (a *Adoption) askCutovers() {
	for _, g := range a.authorities {
		for i := 1; i < len(g.generations); i++ {
			a.askCutover(g.name, i+1, a.old.entryOf(digest.Hex(g.generations[i-1].Raw)), g.generations[i].NotBefore)
		}
	}
	for _, l := range a.logs {
		for i := 1; i < len(l.keys); i++ {
			a.askCutover(l.Name, i+1, a.old.entryOf(l.keys[i-1].spki), l.keys[i].start)
		}
	}
}

func (a *Adoption) askCutover(name string, generation int, before *oldEntry, start time.Time) {
	id := fmt.Sprintf("%s:%d", name, generation)
	if _, told := a.options.Cutovers[id]; told {
		return
	}
	text, suggested := fmt.Sprintf("when was %s seen to use generation %d, which begins %s?", name, generation, trustdir.Stamp(start)), "TIME"
	if before != nil && before.end != nil {
		suggested = trustdir.Stamp(*before.end)
		text += fmt.Sprintf(" The file in use closes generation %d at %s", generation-1, suggested)
		if !before.end.After(start) {
			text += ", which is no later than the start of the new one: what the old key signed between is rejected, so look at the service's own records"
		}
	}
	a.ask("--cutover "+id+"="+suggested+" (or =open while it is not seen)", "%s", text)
}

var sharedLinter *lint.Linter

// linterOnce is made at first use: its rules are many.
func linterOnce() *lint.Linter {
	if sharedLinter == nil {
		sharedLinter = lint.New()
	}
	return sharedLinter
}
